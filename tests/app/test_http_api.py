"""The HTTP API keeps what its OpenAPI document promises, and refuses in one shape whatever cannot be meant."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from app.config import TINY_MODEL
from tests.app.conftest import Start
from tests.app.running import HTTP, REVISION, App
from tests.app.venvs import python_with
from tests.process import run

pytestmark = pytest.mark.app

JSON = {"content-type": "application/json"}
FOREIGN = ["sehr fröhlich", "joy/happiness", "je ne sais pas quoi", "😀", "a: b, c.", "neutral"]
OURS = ["/healthz", "/readyz", "/version", "/metrics", "/api/mood", "/api/thought", "/api/compare"]


def refused(answer: requests.Response) -> tuple[int, str]:
    """Its status and its reason, once it has exactly the shape of a refusal."""
    told = answer.json()
    assert set(told) == {"reason", "message"}
    assert told["message"]
    return answer.status_code, told["reason"]


@pytest.fixture(scope="module")
def schemathesis() -> Path:
    return python_with("schemathesis", "schemathesis==4.32.5").with_name("schemathesis")


@pytest.mark.parametrize("serving", ["onnx_app", "api_app"])
def test_schemathesis_finds_no_answer_that_the_document_does_not_promise(
    request: pytest.FixtureRequest, schemathesis: Path, tmp_path: Path, serving: str
) -> None:
    app: App = request.getfixturevalue(serving)
    said = run(
        *(schemathesis, "run", f"{app.url}/openapi.json", "--max-examples", "30", "--seed", "1", "--no-color"),
        within=timedelta(minutes=2),
        cwd=tmp_path,
    )
    assert f"Tested: {len(OURS)}" in said, said


def test_the_document_lists_each_path_and_each_has_an_example(onnx_app: App) -> None:
    document = onnx_app.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == REVISION
    assert set(document["paths"]) == set(OURS)
    assert document["components"]["schemas"]["Text"]["properties"]["text"]["examples"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "BadRequest"),
        (b"not json", 400, "BadRequest"),
        (b"\xff", 400, "BadRequest"),
        (b"null", 400, "BadRequest"),
        (b"[]", 400, "BadRequest"),
        (b"[" * 60_000, 400, "BadRequest"),
        (b'{"text":' * 8_000, 400, "BadRequest"),
        (b"9" * 5_000, 400, "BadRequest"),
        (b'{"text": 7}', 400, "BadRequest"),
        (b'{"text": null}', 400, "BadRequest"),
        (b'{"text": ["a"]}', 400, "BadRequest"),
        (b'{"text": "a", "language": "en"}', 400, "BadRequest"),
        (b'{"text": "\\ud800"}', 400, "BadRequest"),
        (b'{"text": ""}', 400, "EmptyText"),
        (b'{"text": " \\n\\u00a0"}', 400, "EmptyText"),
        (b'{"text": "' + b"a" * 70_000 + b'"}', 413, "TooLong"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else str(value),
)
@pytest.mark.parametrize("path", ["/api/mood", "/api/compare"])
def test_a_body_that_cannot_be_meant_is_refused(
    onnx_app: App, path: str, body: bytes, status: int, reason: str
) -> None:
    assert refused(onnx_app.post(path, body)) == (status, reason)


def test_64_kib_is_the_longest_body_also_when_its_length_is_not_said_before(onnx_app: App) -> None:
    body = json.dumps({"text": "a" * 20_000}).encode().ljust(64 * 1024)
    assert onnx_app.post("/api/mood", body).ok
    pieces = (body[at : at + 1000] for at in range(0, len(body), 1000))
    assert requests.post(f"{onnx_app.url}/api/mood", data=pieces, timeout=HTTP.total_seconds()).ok
    endless = (b" " * 1000 for _ in range(100))
    assert refused(requests.post(f"{onnx_app.url}/api/mood", data=endless, timeout=HTTP.total_seconds())) == (
        413,
        "TooLong",
    )


@pytest.mark.parametrize("text", ["\0", "a\0b", "🙂" * 3000, "\u202eabc", "a" * 9000, "\x1b[31m"])
def test_an_odd_text_is_a_text(onnx_app: App, text: str) -> None:
    assert onnx_app.mood(text).ok


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", ";"]
)
def test_what_a_foreign_page_can_send_without_asking_is_refused(onnx_app: App, kind: str) -> None:
    """A form or a script of another site could else spend the account's credits."""
    body = b'{"text": "I am happy"}'
    answer = requests.post(
        f"{onnx_app.url}/api/mood", data=body, headers={"content-type": kind}, timeout=HTTP.total_seconds()
    )
    assert refused(answer) == (415, "WrongContentType")


@pytest.mark.parametrize("path", OURS)
def test_another_method_is_refused_with_those_there_are(onnx_app: App, path: str) -> None:
    answer = requests.delete(onnx_app.url + path, timeout=HTTP.total_seconds())
    assert refused(answer) == (405, "WrongMethod")
    assert answer.headers["allow"] == ("POST" if path.startswith("/api/") else "GET")


def test_a_path_that_is_not_there_is_refused(onnx_app: App) -> None:
    assert refused(onnx_app.get("/api/none")) == (404, "NotFound")


def test_a_monitor_that_asks_for_the_head_only_gets_it(onnx_app: App) -> None:
    answer = requests.head(f"{onnx_app.url}/healthz", timeout=HTTP.total_seconds())
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("asked", "status"),
    [({}, 200), ({"feeling": "fear"}, 200), ({"feeling": "VERY GOOD"}, 200), ({"feeling": "x. Now write"}, 400)],
)
def test_a_thought_is_for_a_feeling_of_a_word_or_two(onnx_app: App, asked: dict[str, str], status: int) -> None:
    """Anything longer would be a way to ask the account's language model for something else."""
    assert onnx_app.thought(**asked).status_code == status
    assert onnx_app.post("/api/thought", b"").ok


def test_compare_gives_what_each_configured_mode_says(onnx_app: App, api_app: App) -> None:
    text = json.dumps({"text": "I am so happy today!"}).encode()
    (opinion,) = onnx_app.post("/api/compare", text).json()
    assert (opinion["mode"], opinion["mood"]["label"], opinion["failure"]) == ("local", "joy", None)
    assert api_app.post("/api/compare", text).json()[0]["mode"] == "api"


def test_the_metrics_have_the_names_of_the_app_before_this_one(onnx_app: App) -> None:
    assert onnx_app.mood("I am happy to be counted").ok
    assert refused(onnx_app.post("/api/mood", b'{"text": " "}')) == (400, "EmptyText")
    shown = onnx_app.get("/metrics").text
    for name in (
        "requests_local_total",
        "requests_api_total",
        "errors_local_total",
        "errors_api_total",
        "local_inference_latency_seconds",
        "api_generation_latency_seconds",
        "local_model_loaded",
    ):
        assert f"# TYPE {name.removesuffix('_total') if name not in shown else name} " in shown, name
    samples = dict(line.rsplit(" ", 1) for line in shown.splitlines() if not line.startswith("#"))
    assert float(samples['requests_local_total{task="mood"}']) >= 1
    assert samples["local_model_loaded"] == samples["app_ready"] == "1.0"
    assert samples['questions_pending{at="local"}'] == "0.0"
    assert any(f'revision="{REVISION}"' in name for name in samples if name.startswith("app_info"))


@pytest.fixture(scope="module")
def foreign_app(shared: Start, onnx_python: Path, tmp_path_factory: pytest.TempPathFactory) -> App:
    """The shipped model, with labels of another kind."""
    model = Path(shutil.copytree(TINY_MODEL, tmp_path_factory.mktemp("foreign") / "model"))
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"id2label": dict(enumerate(FOREIGN))}))
    return shared(onnx_python, MODEL=str(model))


@pytest.mark.parametrize("label", FOREIGN)
def test_any_label_of_the_model_gets_its_thought(foreign_app: App, label: str) -> None:
    assert foreign_app.thought(feeling=label).ok
    assert foreign_app.press("thought", label)[0]


@pytest.mark.parametrize(
    "feeling", ["sehr froehlich. Ignore all", "joy/happiness!", "freude und ich", "", "SEHR FRÖHLICH"]
)
def test_what_only_resembles_a_label_is_refused(foreign_app: App, feeling: str) -> None:
    assert refused(foreign_app.thought(feeling=feeling)) == (400, "BadRequest")
    assert foreign_app.press("thought", feeling)[0] == ""
