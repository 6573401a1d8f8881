"""The app in its server, from a setting that cannot be meant to a stop with open tabs; what any app meets there is in

tests/launcher. And what becomes of it when the model hangs.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.app import stuck
from tests.app.conftest import Start
from tests.app.running import START, App
from tests.app.upstream import Upstream
from tests.app.venvs import ROOT
from tests.ports import free_port
from tests.process import Background
from tests.waiting import wait_for

pytestmark = pytest.mark.app

TOKEN = "hf_any"  # noqa: S105


def api(start: Start, python: Path, upstream: Upstream, **more: object) -> App:
    return start(python, MODE="api", API_URL=upstream.url, HF_TOKEN=TOKEN, **more)


def open_tab(url: str) -> requests.Response:
    """The event stream that Gradio keeps for a browser's tab; it has said something, so it is really open."""
    stream = requests.get(f"{url}/gradio_api/heartbeat/a-tab", stream=True, timeout=START.total_seconds())
    assert stream.ok
    next(stream.iter_content(1))
    return stream


def test_it_answers_at_once_and_is_ready_only_after_a_real_answer(
    start: Start, api_python: Path, upstream: Upstream
) -> None:
    upstream.open.clear()
    app = api(start, api_python, upstream)
    wait_for(lambda: upstream.asked, "the canary's arrival", within=START)
    assert app.get("/").ok  # the pages are there, and still it is not ready
    assert app.get("/healthz").status_code == 200
    assert (app.get("/readyz").status_code, app.get("/readyz").json()["reason"]) == (503, "Loading")
    assert app.mood("I am happy").json()["message"] == "The model is loading: asking the model a first question."
    assert "STATUS=loading: starting" in app.notices()
    upstream.open.set()
    assert app.ready().get("/readyz").json()["backend"] == "api"
    app.told("STATUS=answering in mode api")


def test_a_setting_that_cannot_be_meant_ends_it_with_what_to_write(start: Start, onnx_python: Path) -> None:
    began = time.perf_counter()
    app = start(onnx_python, MODE="locall")
    assert app.exit_code() == 78
    print(f"refused after {time.perf_counter() - began:.2f} s")  # noqa: T201 - the measure, for who asks with -rP
    assert app.output == "app: MODE='locall' is not known; write MODE=api or local\n"
    app.told("STATUS=refused: MODE='locall' is not known; write MODE=api or local")


def test_nothing_heavy_is_imported_before_a_setting_is_refused(onnx_python: Path, tmp_path: Path) -> None:
    program = (
        "import sys\ntry:\n import app.asgi\nexcept SystemExit:\n"
        " print(*{'gradio', 'starlette', 'numpy', 'huggingface_hub'} & sys.modules.keys(), 'and the rest')"
    )
    log = tmp_path / "log"
    argv = ("/usr/bin/env", "-C", ROOT, "MODE=locall", onnx_python, "-c", program)
    assert Background(*argv, log=log).wait(START) == 0
    assert log.read_text().splitlines()[-1].strip() == "and the rest"


@pytest.fixture
def on_a_laptop(onnx_python: Path, tmp_path: Path) -> Iterator[tuple[Background, str, Path]]:
    """`python -m app`, ready; its url, and its log."""
    port, log = free_port(), tmp_path / "log"
    url = f"http://127.0.0.1:{port}"
    app = Background("/usr/bin/env", "-C", ROOT, f"PORT={port}", onnx_python, "-m", "app", log=log)
    try:
        wait_for(lambda: url in log.read_text(), "the url", within=START)
        wait_for(lambda: requests.get(f"{url}/readyz", timeout=30).ok, "readiness", within=START)
        yield app, url, log
    finally:
        app.stop()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_on_a_laptop_it_serves_itself_and_ends_well_though_a_tab_is_open(
    on_a_laptop: tuple[Background, str, Path], sign: signal.Signals
) -> None:
    app, url, log = on_a_laptop
    tab = open_tab(url)
    os.kill(app.pid, sign)
    assert app.wait(START) == 0
    tab.close()
    assert "Traceback" not in log.read_text()
    assert "ERROR" not in log.read_text()


@pytest.mark.parametrize("wrong", ["MODE=locall", "PORT=none"])
def test_on_a_laptop_nothing_heavy_is_imported_before_a_setting_is_refused(
    onnx_python: Path, tmp_path: Path, wrong: str
) -> None:
    log = tmp_path / "log"
    argv = ("/usr/bin/env", "-C", ROOT, wrong, onnx_python, "-X", "importtime", "-m", "app")
    assert Background(*argv, log=log).wait(START) == 78
    said = log.read_text().splitlines()
    assert any(line.startswith(f"app: {wrong.partition('=')[0]}=") for line in said)
    assert not {"uvicorn", "starlette", "gradio"} & {line.split()[-1] for line in said}


def test_an_agent_that_keeps_models_offline_does_not_cut_off_the_api(
    start: Start, api_python: Path, upstream: Upstream
) -> None:
    app = api(start, api_python, upstream, HF_HUB_OFFLINE="1").ready()
    assert app.mood("I am happy").json()["label"] == "joy"


def test_a_model_that_is_not_there_is_named_and_not_ready(start: Start, onnx_python: Path) -> None:
    app = start(onnx_python, MODEL="/no/such/model")
    assert "/no/such/model" in app.reason("ModelMissing")["message"]
    assert any("STATUS=not ready: ModelMissing" in line for line in app.notices())


def test_a_backend_that_is_not_installed_says_which_lock_has_it(start: Start, api_python: Path) -> None:
    assert "requirements/onnx.txt" in start(api_python).reason("BackendMissing")["message"]


def test_who_comes_while_it_is_away_waits_for_the_next_process(start: Start, onnx_python: Path) -> None:
    first = start(onnx_python).ready()
    first.signal(signal.SIGKILL)
    first.exit_code()
    with ThreadPoolExecutor(1) as client:
        waiting = client.submit(first.get, "/version")
        second = start(onnx_python, on=first)
        assert waiting.result().ok
    assert second.ready().mood("I am so happy today!").json()["label"] == "joy"


def test_sigterm_ends_it_soon_though_a_browser_tab_is_open(start: Start, onnx_python: Path) -> None:
    app = start(onnx_python, grace=1000).ready()
    tab = open_tab(app.url)
    app.signal(signal.SIGTERM)
    assert app.exit_code() == 0
    tab.close()
    assert "STOPPING=1" in app.notices()
    assert "still in flight" not in app.output
    assert "Traceback" not in app.output


def test_sigterm_lets_the_work_in_flight_finish(start: Start, api_python: Path, upstream: Upstream) -> None:
    app = api(start, api_python, upstream, grace=1000).ready()
    upstream.open.clear()
    tab = open_tab(app.url)
    with ThreadPoolExecutor(2) as clients:
        over_http = clients.submit(app.mood, "I am happy")
        on_the_page = clients.submit(app.press, "analyze", "I am glad")
        wait_for(lambda: upstream.asked == 3, "both requests upstream, after the canary", within=START)
        app.signal(signal.SIGTERM)
        app.told("STOPPING=1")
        upstream.open.set()
        assert over_http.result().json()["label"] == "joy"
        assert on_the_page.result()[0]["label"] == "joy"
    assert app.exit_code() == 0
    tab.close()


def test_a_call_that_hangs_upstream_does_not_hold_a_stop_beyond_its_grace(
    start: Start, api_python: Path, upstream: Upstream
) -> None:
    app = api(start, api_python, upstream, grace=3).ready()
    upstream.open.clear()
    with ThreadPoolExecutor(1) as client:
        lost = client.submit(app.mood, "I am happy")
        wait_for(lambda: upstream.asked == 2, "the request upstream", within=START)
        app.signal(signal.SIGTERM)
        assert app.exit_code() == 0
        with pytest.raises(requests.ConnectionError):
            lost.result()
    assert "still in flight" in app.output
    assert "Traceback" not in app.output


def test_sigterm_while_it_loads_ends_it_at_once(start: Start, torch_python: Path) -> None:
    app = start(torch_python).answering()
    app.signal(signal.SIGTERM)
    assert app.exit_code() == 0
    assert not any("answering in mode" in line for line in app.notices())


@pytest.fixture(scope="module")
def stuck_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stuck.model(tmp_path_factory.mktemp("stuck"))


def test_a_model_that_hangs_is_told_though_the_loop_turns(start: Start, onnx_python: Path, stuck_model: Path) -> None:
    app = start(onnx_python, MODEL=str(stuck_model), WATCHDOG_USEC="3000000").ready()
    wait_for(lambda: app.notices().count("WATCHDOG=1") > 6, "twice its patience")
    assert "WATCHDOG=trigger" not in app.notices()
    with stuck.questions(app.url):
        app.told("WATCHDOG=trigger")
        assert app.get("/healthz").ok
        app.signal(signal.SIGABRT)  # as the service manager does now
        assert app.exit_code() == -signal.SIGABRT
    assert "the model has answered nothing for 3 s" in app.output
    assert "in scores" in app.output


def test_an_outage_upstream_restarts_nothing_and_no_question_is_paid_for(
    start: Start, api_python: Path, upstream: Upstream
) -> None:
    app = api(start, api_python, upstream, WATCHDOG_USEC="600000").ready()
    asked = upstream.asked
    upstream.open.clear()
    with ThreadPoolExecutor(1) as client:
        hanging = client.submit(app.mood, "I am happy")
        wait_for(lambda: upstream.asked == asked + 1, "the question upstream", within=START)
        fed = app.notices().count("WATCHDOG=1")
        wait_for(lambda: app.notices().count("WATCHDOG=1") > fed + 12, "several times its patience", within=START)
        assert "WATCHDOG=trigger" not in app.notices()
        assert upstream.asked == asked + 1
        upstream.open.set()
        assert hanging.result().ok
    assert app.running
