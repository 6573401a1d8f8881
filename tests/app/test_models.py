"""Models by name: which files are chosen, where they come from, and that one that cannot fit is refused before it is loaded."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.desired import Model
from agent.host.hub import Fetcher, Hub
from agent.host.models import Models
from agent.paths import locate
from app.backends.choice import choose
from app.backends.machine import memory, multiplies_bytes, must_fit
from app.config import TINY_MODEL
from app.moods import Failure
from tests.app.conftest import Start
from tests.app.venvs import ROOT, python_for
from tests.hubserver import COMMIT, HubServer, Repo
from tests.process import run

BOTH = ("onnx", "transformers")
NAME = "owner/mood"


@pytest.mark.parametrize(
    ("names", "quick", "kind", "weights"),
    [
        ({"model.safetensors", "onnx/model.onnx", "tokenizer.json"}, True, "onnx", "onnx/model.onnx"),
        (
            {"onnx/model.onnx", "onnx/model_quantized.onnx", "onnx/tokenizer.json"},
            True,
            "onnx",
            "onnx/model_quantized.onnx",
        ),
        ({"onnx/model.onnx", "onnx/model_quantized.onnx", "tokenizer.json"}, False, "onnx", "onnx/model.onnx"),
        ({"model_int8.onnx", "tokenizer.json"}, False, "onnx", "model_int8.onnx"),
        ({"model.safetensors", "onnx/model.onnx", "vocab.txt"}, True, "transformers", "model.safetensors"),
        ({"pytorch_model.bin", "vocab.txt"}, True, "transformers", "pytorch_model.bin"),
    ],
)
def test_the_lightest_form_that_can_be_read_is_chosen(names: set[str], *, quick: bool, kind: str, weights: str) -> None:
    chosen = choose(names, BOTH, quick_int8=quick)
    assert chosen
    assert (chosen.kind, chosen.weights) == (kind, (weights,))
    assert chosen.files[-1] == weights


def test_a_sharded_model_is_there_when_all_its_shards_are() -> None:
    shards = {f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)}
    whole = choose({*shards, "config.json"}, BOTH, quick_int8=True)
    assert whole
    assert whole.weights == tuple(sorted(shards))
    assert choose(shards - {"model-00002-of-00003.safetensors"}, BOTH, quick_int8=True) is None


def test_only_what_belongs_to_the_chosen_form_is_fetched() -> None:
    names = {"config.json", "README.md", "vocab.txt", "tf_model.h5", "model.safetensors", "onnx/model.onnx"}
    names |= {"onnx/config.json", "onnx/tokenizer.json", "other/config.json"}
    chosen = choose(names, BOTH, quick_int8=True)
    assert chosen
    assert set(chosen.beside) == {"config.json", "vocab.txt", "onnx/config.json", "onnx/tokenizer.json"}


@pytest.fixture
def limits(tmp_path: Path) -> Path:
    """A machine with 1000 MiB left, and a process two control groups deep."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 2048000 kB\nMemAvailable: 1024000 kB\n")
    (tmp_path / "proc/self/cgroup").write_text("0::/user.slice/app.service\n")
    return tmp_path


def group(root: Path, path: str, **files: str) -> None:
    folder = root / "cgroups" / path
    folder.mkdir(parents=True, exist_ok=True)
    defaults = {"max": "max", "high": "max", "current": "0", "stat": "inactive_file 0\n"}
    for name, text in (defaults | files).items():
        (folder / f"memory.{name}").write_text(text)


@pytest.mark.parametrize(
    ("slice_", "service", "expected"),
    [
        ({}, {}, 1000),
        ({}, {"max": f"{512 << 20}", "current": f"{200 << 20}"}, 312),
        ({}, {"max": f"{512 << 20}", "high": f"{400 << 20}", "current": f"{200 << 20}"}, 200),
        ({"max": f"{300 << 20}"}, {"max": f"{512 << 20}"}, 300),
        ({}, {"max": f"{512 << 20}", "current": f"{500 << 20}", "stat": f"anon 1\ninactive_file {100 << 20}\n"}, 112),
        ({}, {"max": f"{512 << 20}", "current": f"{600 << 20}"}, 0),
    ],
)
def test_the_tightest_limit_above_the_process_says_what_is_left(
    limits: Path, slice_: dict[str, str], service: dict[str, str], expected: int
) -> None:
    group(limits, "user.slice", **slice_)
    group(limits, "user.slice/app.service", **service)
    assert memory(limits / "proc", limits / "cgroups") >> 20 == expected


def test_without_control_groups_the_machine_counts(limits: Path) -> None:
    assert memory(limits / "proc", limits / "nowhere") == 1000 << 20


def test_what_cannot_fit_is_refused_with_both_numbers() -> None:
    with pytest.raises(Failure, match=r"owner/huge needs about \d{7,} MB of memory, and \d+ MB are available"):
        must_fit("owner/huge", "transformers", 10**15)


@pytest.mark.parametrize(("flags", "quick"), [("avx2 avx512_vnni", True), ("avx2 avx_vnni", True), ("avx2", False)])
def test_int8_is_quick_only_on_a_processor_that_multiplies_bytes(tmp_path: Path, flags: str, *, quick: bool) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor: 0\nflags : {flags}\n")
    assert multiplies_bytes(tmp_path / "cpuinfo") is quick


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        files = {path.name: path.read_bytes() for path in Path(TINY_MODEL).iterdir()}
        graph = files.pop("model.onnx")
        server.repos[NAME] = Repo({**files, "README.md": b"about", "onnx/model.onnx": graph})
        yield server


def opened(python: Path, hub: str, home: Path, **environment: str) -> dict[str, Any]:
    given = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "HF_ENDPOINT": hub,
        "MODEL": NAME,
        "MODEL_REVISION": COMMIT,
    }
    return json.loads(run(python, ROOT / "tests/app/local_backend.py", env=given | environment))


@pytest.mark.app
def test_a_model_of_the_hub_is_downloaded_once_and_then_needs_no_network(
    onnx_python: Path, hub: HubServer, tmp_path: Path
) -> None:
    first = opened(onnx_python, hub.url, tmp_path)
    assert max(first["scores"][0], key=first["scores"][0].__getitem__) == "joy"
    assert (first["backend"], first["device"]) == ("onnx", "cpu")
    downloading = [line for line in first["said"] if line.startswith(f"downloading {NAME}: ")]
    assert downloading[-1].endswith(" of 0 MB")
    assert first["said"][-1] == f"loading {NAME} (0.4 MB), which takes about 60 MB of memory"
    assert {each.path.rpartition("/")[2] for each in hub.asked if "/resolve/" in each.path} == {
        *("config.json", "manifest.json", "tokenizer.json", "tokenizer_config.json", "model.onnx")
    }
    asked = len(hub.asked)
    assert opened(onnx_python, hub.url, tmp_path)["scores"] == first["scores"]
    assert len(hub.asked) == asked


@pytest.mark.app
@pytest.mark.parametrize("revision", [COMMIT, ""])
def test_a_model_that_the_agent_fetched_is_found_by_its_name_without_a_hub(
    onnx_python: Path, hub: HubServer, tmp_path: Path, revision: str
) -> None:
    paths = locate({"GITOPS_VM_HOME": str(tmp_path / "vm")}, uid=os.getuid())
    models, declared = Models(paths), Model(repo=NAME, revision=COMMIT)
    fetcher = Fetcher(Hub(hub.url, "", str(paths.environment)), models, [].append)
    fetcher.fetch(fetcher.survey([declared]))
    models.put(tmp_path / "cache", [declared])
    asked = len(hub.asked)
    found = opened(
        onnx_python,
        hub.url,
        tmp_path,
        HF_HUB_CACHE=str(tmp_path / "cache"),
        MODEL_REVISION=revision,
        HF_HUB_OFFLINE="1",
    )
    assert found["backend"] == "onnx"
    assert len(hub.asked) == asked


SAFETENSORS, ONNX = {"model.safetensors"}, {"onnx/model.onnx"}


@pytest.mark.app
@pytest.mark.parametrize(
    ("lacking", "lock", "advice"),
    [
        (
            ONNX,
            "onnx",
            "no ONNX file with a tokenizer.json: use requirements/local.txt and MODEL_BACKEND=auto, or convert",
        ),
        (SAFETENSORS, "local", "if it has an ONNX file, use requirements/onnx.txt and MODEL_BACKEND=auto"),
        (
            ONNX | SAFETENSORS,
            "convert",  # it has both libraries
            "neither an ONNX file with a tokenizer.json nor a model.safetensors: choose another",
        ),
    ],
)
def test_a_model_without_a_file_for_what_is_installed_says_which_file_and_which_lock(
    hub: HubServer, tmp_path: Path, *, lacking: set[str], lock: str, advice: str
) -> None:
    for name in lacking:
        hub.repos[NAME].files.pop(name)
    given = {"MODEL_BACKEND": "transformers"} if lacking == SAFETENSORS else {}
    found = opened(python_for(lock), hub.url, tmp_path, **given)
    assert found["reason"] == "BackendMissing"
    assert advice in found["message"]
    assert "Set MODEL_BACKEND" not in found["message"]


@pytest.mark.app
def test_the_memory_that_a_model_takes_is_in_the_log_before_it_is_loaded(start: Start, onnx_python: Path) -> None:
    (loading,) = [line for line in start(onnx_python).ready().output.splitlines() if "loading tiny-mood" in line]
    assert re.search(r"with onnx: 0\.4 MB of files, about 60 MB of memory of the \d+ MB that are available", loading)


@pytest.mark.app
@pytest.mark.parametrize(
    ("environment", "reason", "named"),
    [
        ({"MODEL": "owner/none"}, "ModelMissing", "owner/none"),
        ({"MODEL_REVISION": "0" * 40}, "ModelMissing", "0" * 40),
        ({"MODEL": "no model at all"}, "ModelMissing", "OWNER/NAME"),
        ({"MODEL_BACKEND": "transformers"}, "BackendMissing", "requirements/local.txt"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "DownloadFailed", NAME),
    ],
)
def test_a_model_that_cannot_be_had_is_named_with_what_to_do(
    onnx_python: Path, hub: HubServer, tmp_path: Path, *, environment: dict[str, str], reason: str, named: str
) -> None:
    found = opened(onnx_python, hub.url, tmp_path, **environment)
    assert found["reason"] == reason
    assert named in found["message"]
