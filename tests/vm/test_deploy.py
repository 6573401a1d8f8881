"""The mood app on a VM, from a token that is missing to every mode it has. One story: each test goes on from the one before."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from app.training.corpus import held_out
from tests.ports import LOOPBACK
from tests.process import run_bytes
from tests.standin import standing_in
from tests.vm.argv import Watcher
from tests.vm.machine import Machine
from tests.vm.product import NOT_YET, USER, Product, condition, deployed, holds, is_ready

ROOT = Path(__file__).parents[2]
DATA = f"/home/{USER}/.local/share/gitops-vm"
TOKEN = f"hf_{secrets.token_hex(16)}"
UNSEEN = [example.text for example in held_out()][:50]
BUILD = timedelta(minutes=8)

pytestmark = [pytest.mark.timeout(1200), pytest.mark.app]


@pytest.fixture(scope="module")
def product(shared_machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with deployed(shared_machine, tmp_path_factory.mktemp("mood"), secrets=frozenset({TOKEN})) as product:
        yield product


@pytest.fixture(scope="module")
def api_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with standing_in(tmp_path_factory.mktemp("standin") / "log") as url:
        yield url


@pytest.fixture(scope="module")
def watcher() -> Iterator[Watcher]:
    with Watcher(TOKEN) as watcher:
        yield watcher


def test_api_without_a_token_is_not_ready_and_says_why(product: Product, api_url: str) -> None:
    product.push("the app", {**app_files(), "desired-state.yaml": declared(product, "api", api_url, patience=20)})
    said = product.bootstrap(env={"HF_TOKEN": "", "HUGGING_FACE_TOKEN": ""})
    assert said.code == 1
    assert "TokenMissing" in said.text
    told = product.until_published(lambda told: holds(told, "Stalled"), "that it is stalled")
    ready = condition(told, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "HealthCheckFailed")
    assert "TokenMissing" in ready["message"]
    assert "MODE=api needs a Hugging Face token" in ready["message"]
    product.machine.wait_for(
        lambda: product.get("/").status_code == 503, "who answers visitors instead", unless=NOT_YET
    )
    assert "No version of the app has been healthy here yet (HealthCheckFailed)" in product.get("/").text


def test_the_push_of_the_other_mode_cures_it(product: Product, api_url: str) -> None:
    """It is what the app itself advises."""
    version = live(product, "local", api_url)
    assert (version["mode"], version["backend"]) == ("local", "onnx")
    assert installed(product) >= {"onnxruntime", "gradio"}
    assert not installed(product) & {"torch", "transformers"}


def test_fifty_unseen_sentences_get_the_answer_of_onnxruntime_itself(product: Product) -> None:
    same_answers(product, "direct_onnx.py")


def test_a_push_of_code_alone_installs_nothing(product: Product, api_url: str) -> None:
    before, names, marker = venv(product), venvs(product), built_at(product)
    page = (ROOT / "app/pages.py").read_text().replace("The page is still loading", "The page still loads")
    product.live(product.push("a word", {"app/pages.py": page}), within=BUILD)
    assert (venv(product), venvs(product), built_at(product)) == (before, names, marker)
    assert "still loads" in product.shell(f"cat {DATA}/current/tree/app/pages.py")


def test_another_model_is_another_word_in_the_file(product: Product, api_url: str) -> None:
    before = venv(product)
    second = {f"models/second/{path.name}": path.read_bytes() for path in (ROOT / "app/model").iterdir()}
    config = "models/second/config.json"
    second[config] = second[config].replace(b'"joy"', b'"delight"')
    text = declared(product, "local", api_url, model="models/second")
    version = product.live(product.push("a second model", {**second, "desired-state.yaml": text}), within=BUILD)
    assert version["model"] == "models/second"
    assert answer(product, "I am so happy today!")["label"] == "delight"
    assert venv(product) == before

    assert live(product, "local", api_url)["model"] != "models/second"
    assert answer(product, "I am so happy today!")["label"] == "joy"


def test_with_a_token_api_is_ready_and_installs_no_model(product: Product, api_url: str, watcher: Watcher) -> None:
    product.install(env={"HF_TOKEN": TOKEN})
    version = live(product, "api", api_url)
    assert (version["mode"], version["backend"], version["apiURL"]) == ("api", "api", api_url)
    assert "huggingface-hub" in installed(product)
    assert not installed(product) & {"torch", "transformers", "onnxruntime"}
    assert answer(product, UNSEEN[0])["label"]


def test_local_on_torch_has_torch_in_an_environment_of_its_own(
    product: Product, api_url: str, watcher: Watcher
) -> None:
    other = venv(product)
    version = live(product, "local", api_url, lock="local", backend="transformers")
    assert (version["mode"], version["backend"]) == ("local", "transformers")
    assert venv(product) != other
    assert installed(product) >= {"torch", "transformers"}
    assert not [name for name in installed(product) if re.match("nvidia|cuda|triton", name)]
    assert product.user(python(product), "-c", "import torch; print(torch.ones(2).sum().item())") == "2.0\n"


def test_fifty_unseen_sentences_get_the_answer_of_transformers_itself(product: Product) -> None:
    same_answers(product, "direct_torch.py")


def test_back_in_api_nothing_is_left_of_torch_and_nothing_was_installed(
    product: Product, api_url: str, watcher: Watcher
) -> None:
    names = venvs(product)
    version = live(product, "api", api_url)
    assert version["backend"] == "api"
    assert venvs(product) <= names
    assert not installed(product) & {"torch", "transformers", "onnxruntime"}
    assert "ModuleNotFoundError" in product.shell(f"{python(product)} -c 'import torch' 2>&1 || true")


def test_the_token_is_nowhere_but_in_its_file(product: Product, watcher: Watcher) -> None:
    file = f"/home/{USER}/.config/gitops-vm/env"
    assert product.shell(f"stat -c '%a %U' {file}") == f"600 {USER}\n"
    assert f"HF_TOKEN={TOKEN}\n" in product.machine.get(file)
    # The words to look for come on standard input: grep's own arguments are looked at as well.
    hidden = f"{TOKEN}\n{base64.b64encode(TOKEN.encode()).decode()}\n"
    places = "/home /root /run /tmp /var /etc"
    found = product.machine.root(f"grep -rlaF --devices=skip -f - {places} 2>/dev/null || true", given=hidden)
    assert found.split() == [file]
    assert TOKEN not in product.machine.journal()
    everything = run_bytes("git", "-C", product.server.root / "app.git", "cat-file", "--batch", "--batch-all-objects")
    assert b"status.json" in everything
    assert not [word for word in hidden.split() if word.encode() in everything]
    assert TOKEN not in product.server.log()
    assert (len(watcher.processes) > 50, watcher.seen) == (True, set())
    assert len(product.story()) > 5


def app_files() -> dict[str, str | bytes]:
    """What of this checkout a user's repository has."""
    files = [path for path in (ROOT / "app").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    locks = [ROOT / "requirements" / f"{name}.txt" for name in ("api", "onnx", "local")]
    return {str(path.relative_to(ROOT)): path.read_bytes() for path in (*files, *locks)}


def declared(
    product: Product,
    mode: str,
    api_url: str,
    *,
    lock: str = "onnx",
    backend: str = "auto",
    model: str = "",
    patience: int = 90,
) -> str:
    """Our own desired-state.yaml, edited as its comments say. `patience`: seconds to start in."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "desired-state.yaml").read_text())
    document["mode"] = mode
    document["modes"]["api"]["service"] = {"env": {"API_URL": api_url}}
    document["modes"]["local"] = {
        "python": {"lock": f"requirements/{lock}.txt"},
        "service": {"env": {"MODEL_BACKEND": backend, **({"MODEL": model} if model else {})}},
    }
    document["service"]["port"] = product.port
    document["service"]["startupProbe"] = {"failureThreshold": patience}
    document["sync"] = {"interval": "2s"}
    return yaml.safe_dump(document, sort_keys=False)


def live(product: Product, mode: str, api_url: str, *, lock: str = "onnx", backend: str = "auto") -> dict[str, Any]:
    """Push a mode; what /version says once it is confirmed."""
    text = declared(product, mode, api_url, lock=lock, backend=backend)
    version = product.live(product.push(f"mode {mode}", {"desired-state.yaml": text}), within=BUILD)
    active = f"main@sha1:{version['revision']}"
    product.until_published(
        lambda told: is_ready(told) and told["activeRevision"] == active and told["mode"] == mode, mode
    )
    return version


def venv(product: Product) -> str:
    name: str = product.status()["environment"]["venv"]
    return name


def python(product: Product) -> str:
    return f"{DATA}/venvs/{venv(product)}/bin/python"


def venvs(product: Product) -> set[str]:
    return set(product.shell(f"ls {DATA}/venvs").split())


def built_at(product: Product) -> str:
    """When a file of an environment was last written, but for the bytecode of what was imported first."""
    return product.shell(f"find {DATA}/venvs -type f -not -name '*.pyc' -printf '%T@\\n' | sort -n | tail -1")


def installed(product: Product) -> set[str]:
    """`uv pip list` of the environment that runs."""
    listed = product.user(
        f"{DATA}/agent/current/bin/uv", "pip", "list", "--quiet", "--python", python(product), "--format=json"
    )
    return {each["name"] for each in json.loads(listed)}


def answer(product: Product, text: str) -> dict[str, Any]:
    """What the app says over HTTP."""
    response = requests.post(f"http://{LOOPBACK}:{product.port}/api/mood", json={"text": text}, timeout=30)
    response.raise_for_status()
    found: dict[str, Any] = response.json()
    return found


def same_answers(product: Product, script: str) -> None:
    """The app's answers are those of the library alone, in the app's own environment, without the app."""
    code = (ROOT / "tests/app" / script).read_text()
    argv = [python(product), "-c", code, f"{DATA}/current/tree/app/model"]
    said = product.machine.as_user(USER, argv, given=json.dumps(UNSEEN), within=timedelta(minutes=3))
    expected = json.loads(said[said.index("[") :])
    assert len(expected) == len(UNSEEN) == 50
    for text, scores in zip(UNSEEN, expected, strict=True):
        found = answer(product, text)
        assert found["scores"] == pytest.approx(scores, abs=1e-4), text
        assert found["label"] == max(scores, key=scores.__getitem__), text
