"""`MODE=api` without torch, without a token, and with an upstream that fails in every way it documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.thoughts import THOUGHTS
from tests.app.conftest import Start
from tests.app.running import App
from tests.app.upstream import Upstream
from tests.process import run

pytestmark = pytest.mark.app

CANARY_TOKEN = "hf_canary7Qm2planted"  # noqa: S105
OWN_THOUGHTS = {thought for thoughts in THOUGHTS.values() for thought in thoughts}


def test_without_a_token_it_stays_up_is_not_ready_and_says_what_to_type(start: Start, api_python: Path) -> None:
    app = start(api_python, MODE="api", HF_TOKEN=" ")  # noqa: S106
    assert "HF_TOKEN=hf_" in app.reason("TokenMissing")["message"]
    assert app.get("/readyz").status_code == 503
    assert app.get("/healthz").status_code == 200
    assert app.mood("I am happy").json()["reason"] == "TokenMissing"
    assert "HF_TOKEN=hf_" in app.press("analyze", "I am happy")[1]
    assert "HF_TOKEN=hf_" in app.press("thought", "any")[1]
    assert any("TokenMissing" in line for line in app.notices())


def test_a_token_is_wanted_for_a_private_endpoint_too(start: Start, api_python: Path, upstream: Upstream) -> None:
    start(api_python, MODE="api", API_URL=upstream.url).reason("TokenMissing")
    assert upstream.asked == 0


@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_TOKEN"])
def test_either_name_gives_the_token_without_its_line_break(
    start: Start, api_python: Path, upstream: Upstream, name: str
) -> None:
    start(api_python, MODE="api", API_URL=upstream.url, **{name: f"{CANARY_TOKEN}\n"}).ready()
    assert f"Bearer {CANARY_TOKEN}\n" in upstream.headers_seen[0]


@pytest.fixture(scope="module")
def faulty() -> Iterator[Upstream]:
    service = Upstream()
    yield service
    service.close()


@pytest.fixture(scope="module")
def faulty_app(shared: Start, api_python: Path, faulty: Upstream) -> App:
    """Ready once; what its upstream does after that is each test's business."""
    return shared(api_python, MODE="api", API_URL=faulty.url, HF_TOKEN=CANARY_TOKEN)


@pytest.mark.parametrize(
    ("status", "answer", "code", "reason"),
    [
        (400, {"error": CANARY_TOKEN}, 502, "TextRefused"),
        (401, {"error": CANARY_TOKEN}, 503, "TokenRejected"),
        (402, {"error": CANARY_TOKEN}, 503, "OutOfCredits"),
        (403, {"error": CANARY_TOKEN}, 503, "TokenForbidden"),
        (404, {"error": CANARY_TOKEN}, 503, "ModelGone"),
        (410, {"error": CANARY_TOKEN}, 503, "ModelGone"),
        (429, {"error": CANARY_TOKEN}, 429, "RateLimited"),
        (500, {"error": CANARY_TOKEN}, 502, "UpstreamDown"),
        (503, {"error": CANARY_TOKEN}, 502, "UpstreamDown"),
        (200, b"<html>" + CANARY_TOKEN.encode(), 502, "UnusableAnswer"),
        (200, {"token": CANARY_TOKEN}, 502, "UnusableAnswer"),
        (200, [[{"label": CANARY_TOKEN}]], 502, "UnusableAnswer"),
        (200, [[]], 502, "UnusableAnswer"),
    ],
)
def test_each_failure_upstream_has_its_reason_and_the_token_is_nowhere(
    faulty: Upstream, faulty_app: App, *, status: int, answer: object, code: int, reason: str
) -> None:
    faulty.status, faulty.answer = status, answer
    told = faulty_app.mood("I am happy")
    assert (told.status_code, told.json()["reason"]) == (code, reason)
    note = faulty_app.press("analyze", "I am happy")[1]
    assert note == told.json()["message"]
    assert CANARY_TOKEN not in told.text + note + faulty_app.output


def test_the_token_is_on_no_page_and_in_no_notice(faulty_app: App) -> None:
    shown = [faulty_app.get(path).text for path in ("/readyz", "/version", "/", "/config", "/gradio_api/info")]
    assert all(shown)
    assert all(CANARY_TOKEN not in text for text in [*shown, *faulty_app.notices(), faulty_app.output])


def test_a_token_the_service_rejects_keeps_it_from_ready_and_is_not_shown(
    start: Start, api_python: Path, upstream: Upstream
) -> None:
    upstream.status, upstream.answer = 401, {"error": CANARY_TOKEN}
    app = start(api_python, MODE="api", API_URL=upstream.url, HF_TOKEN=CANARY_TOKEN)
    assert CANARY_TOKEN not in str(app.reason("TokenRejected"))
    assert CANARY_TOKEN not in app.output + str(app.notices())


def test_a_token_with_a_break_inside_is_refused_and_not_shown(start: Start, api_python: Path) -> None:
    app = start(api_python, MODE="api", HF_TOKEN=f"{CANARY_TOKEN}\nSECOND=line")
    assert CANARY_TOKEN not in str(app.reason("TokenMalformed"))
    assert CANARY_TOKEN not in app.output


def test_an_upstream_that_comes_back_makes_it_ready_without_a_restart(
    start: Start, api_python: Path, upstream: Upstream
) -> None:
    well, upstream.status, upstream.answer = upstream.answer, 503, {"error": "the model is loading"}
    app = start(api_python, MODE="api", API_URL=upstream.url, HF_TOKEN=CANARY_TOKEN)
    app.reason("UpstreamDown")
    upstream.status, upstream.answer = 200, well
    assert app.ready().get("/readyz").status_code == 200


def test_an_outage_after_ready_is_told_to_the_user_and_is_no_reason_to_restart(
    start: Start, api_python: Path, upstream: Upstream
) -> None:
    app = start(api_python, MODE="api", API_URL=upstream.url, HF_TOKEN=CANARY_TOKEN).ready()
    upstream.close()
    answer = app.mood("I am happy")
    assert (answer.status_code, answer.json()["reason"]) == (502, "UpstreamDown")
    assert app.get("/readyz").status_code == 200


def test_a_thought_arrives_without_the_model_s_reasoning_and_quotes(api_app: App) -> None:
    thought, note = api_app.press("thought", "fear")
    assert thought in THOUGHTS["fear"]
    assert note.startswith("From HuggingFaceTB/SmolLM3-3B, in ")


def test_locally_a_thought_comes_from_our_own_list(onnx_app: App) -> None:
    thought, note = onnx_app.press("thought", "anger")
    assert thought in THOUGHTS["anger"]
    assert note.startswith("From our own list, in ")
    assert onnx_app.press("thought", "any")[0] in OWN_THOUGHTS


def test_the_venv_of_api_mode_holds_no_inference_library(api_python: Path) -> None:
    listed = run(api_python, "-c", "import importlib.metadata as m; print(*(d.name for d in m.distributions()))")
    assert "gradio" in listed.split()
    assert not {"torch", "onnxruntime", "transformers", "tokenizers"} & set(listed.split())


def test_api_mode_loads_no_inference_library_even_where_they_are_installed(
    start: Start, torch_python: Path, torch_app: App, upstream: Upstream
) -> None:
    app = start(torch_python, MODE="api", API_URL=upstream.url, HF_TOKEN=CANARY_TOKEN).ready()
    maps = {each: Path(f"/proc/{each.pid}/maps").read_text() for each in (app, torch_app)}
    assert "libtorch" in maps[torch_app]
    assert "libtorch" not in maps[app]
