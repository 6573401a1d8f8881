"""The process and its service manager: the socket, READY, the watchdog, and the end."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.app.conftest import Start
from tests.app.running import START, App
from tests.app.upstream import Upstream
from tests.waiting import wait_for

pytestmark = pytest.mark.app

TOKEN = "hf_any"  # noqa: S105


def api(start: Start, python: Path, upstream: Upstream) -> App:
    return start(python, MODE="api", API_URL=upstream.url, HF_TOKEN=TOKEN)


def open_tab(app: App) -> requests.Response:
    """The event stream that Gradio keeps for a browser's tab; it has said something, so it is really open."""
    stream = requests.get(f"{app.url}/gradio_api/heartbeat/a-tab", stream=True, timeout=START.total_seconds())
    assert stream.ok
    next(stream.iter_content(1))
    return stream


def test_ready_is_said_only_after_a_real_answer(start: Start, api_python: Path, upstream: Upstream) -> None:
    upstream.open.clear()
    app = api(start, api_python, upstream)
    wait_for(lambda: upstream.asked, "the canary's arrival", within=START)
    assert app.get("/").ok  # the pages are there, and still it is not ready
    assert app.get("/healthz").status_code == 200
    assert (app.get("/readyz").status_code, app.get("/readyz").json()["reason"]) == (503, "Loading")
    assert "READY=1" not in app.notices()
    upstream.open.set()
    assert app.ready().get("/readyz").json()["backend"] == "api"


def test_without_a_held_socket_it_binds_its_port_itself(start: Start, onnx_python: Path) -> None:
    app = start(onnx_python, held=False).ready()
    assert app.mood("I am so happy today!").json()["label"] == "joy"


def test_a_socket_meant_for_another_process_is_not_taken(start: Start, onnx_python: Path) -> None:
    assert start(onnx_python, held=False, LISTEN_PID="1", LISTEN_FDS="1").ready().get("/healthz").ok


def test_a_taken_port_is_said_and_ends_it(start: Start, onnx_python: Path, onnx_app: App) -> None:
    app = start(onnx_python, held=False, PORT=str(onnx_app.port))
    assert app.exit_code() == 78
    assert "in use" in app.output


def test_a_setting_that_cannot_be_meant_ends_it_with_what_to_write(start: Start, onnx_python: Path) -> None:
    app = start(onnx_python, MODE="locall")
    assert app.exit_code() == 78
    assert app.output == "app: MODE='locall' is not known; write MODE=api or local\n"
    assert any("MODE=api" in line for line in app.notices())


def test_a_model_that_is_not_there_is_named_and_not_ready(start: Start, onnx_python: Path) -> None:
    app = start(onnx_python, MODEL="/no/such/model")
    assert "/no/such/model" in app.reason("ModelMissing")["message"]


def test_a_backend_that_is_not_installed_says_which_lock_has_it(start: Start, api_python: Path) -> None:
    assert "requirements/onnx.txt" in start(api_python).reason("BackendMissing")["message"]


def test_the_loop_feeds_the_watchdog(start: Start, onnx_python: Path) -> None:
    app = start(onnx_python, WATCHDOG_USEC="300000").ready()
    before = app.notices().count("WATCHDOG=1")
    wait_for(lambda: app.notices().count("WATCHDOG=1") >= before + 3, "three pings after READY")


def test_without_a_watchdog_nobody_is_fed(onnx_app: App) -> None:
    assert "WATCHDOG=1" not in onnx_app.notices()


def test_sigterm_ends_it_with_0_though_a_browser_tab_is_open(start: Start, onnx_python: Path) -> None:
    app = start(onnx_python).ready()
    tab = open_tab(app)
    app.signal(signal.SIGTERM)
    assert app.exit_code() == 0
    tab.close()
    assert "STOPPING=1" in app.notices()
    assert "still in flight" not in app.output
    assert "Traceback" not in app.output


def test_sigterm_lets_the_work_in_flight_finish_and_takes_no_more(
    start: Start, api_python: Path, upstream: Upstream
) -> None:
    app = api(start, api_python, upstream).ready()
    upstream.open.clear()
    tab = open_tab(app)
    with ThreadPoolExecutor(2) as clients:
        over_http = clients.submit(app.mood, "I am happy")
        on_the_page = clients.submit(app.press, "analyze", "I am happy")
        wait_for(lambda: upstream.asked == 3, "both requests upstream, after the canary", within=START)
        app.signal(signal.SIGTERM)
        app.told("STOPPING=1")
        wait_for(lambda: _refused(app), "the end of accepting")
        upstream.open.set()
        assert over_http.result().json()["label"] == "joy"
        assert on_the_page.result()[0]["label"] == "joy"
    assert app.exit_code() == 0
    tab.close()


def test_work_that_never_finishes_does_not_hold_the_stop_for_ever(
    start: Start, api_python: Path, upstream: Upstream
) -> None:
    app = api(start, api_python, upstream).ready()
    upstream.open.clear()
    with ThreadPoolExecutor(1) as client:
        lost = client.submit(app.mood, "I am happy")
        wait_for(lambda: upstream.asked == 2, "the request upstream", within=START)
        app.signal(signal.SIGTERM)
        assert app.exit_code() == 0
        assert (lost.result().status_code, lost.result().json()["reason"]) == (503, "Stopping")
    assert "still in flight" in app.output
    assert "Traceback" not in app.output


def test_sigterm_while_it_loads_ends_it_at_once(start: Start, torch_python: Path) -> None:
    app = start(torch_python).answering()
    app.signal(signal.SIGTERM)
    assert app.exit_code() == 0
    assert "READY=1" not in app.notices()


def _refused(app: App) -> bool:
    try:
        app.get("/healthz")
    except requests.ConnectionError:
        return True
    return False
