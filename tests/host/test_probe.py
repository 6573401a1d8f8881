"""Probes against real listeners: the worker's (requests) and the daemon's (a raw socket) give the same verdict."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent.daemon_config import WatchedProbe
from agent.desired import Spec, parse
from agent.host import liveness
from agent.host.probe import Prober
from agent.host.sentinel import Sentinel, read
from agent.host.traffic import Traffic
from agent.names import ReleaseId
from agent.observed import Phase, Process
from agent.paths import locate
from tests.ports import SilentPort, free_port
from tests.waiting import wait_for

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """Answers GET /<code> with that code."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def spec(port: int, path: str = "/200") -> Spec:
    text = (
        "apiVersion: gitops-vm/v1\napp: a\nservice:\n  exec: x\n  socketActivation: true\n"
        f"  port: {port}\n  readinessProbe: {{httpGet: {{path: {path}}}, timeoutSeconds: 1}}\n"
    )
    return parse(text.encode(), host="h")


def plain(port: int) -> Spec:
    """Of a program that opens its port itself."""
    return parse(
        spec(port).canonical().replace('"socketActivation":true', '"socketActivation":false').encode(), host="h"
    )


PROCESS = Process(release=ReleaseId("a-1"), unit="u", phase=Phase.RUNNING, since=NOW, pid=1)


def a_prober(home: Path) -> Prober:
    paths = locate({"GITOPS_VM_HOME": str(home)}, uid=0)
    return Prober(paths, Traffic(paths))


@pytest.fixture
def prober(tmp_path: Path) -> Prober:
    return a_prober(tmp_path)


@pytest.mark.parametrize(
    ("code", "ok"), [(200, True), (204, True), (302, True), (399, True), (400, False), (503, False)]
)
def test_both_probes_judge_a_status_as_kubernetes_does(port: int, prober: Prober, code: int, ok: bool) -> None:
    examined = prober.examine(PROCESS, spec(port, f"/{code}"), NOW)

    assert examined.readiness
    assert (examined.readiness.ok, examined.readiness.code, examined.started) == (ok, code, ok)
    assert (liveness.get("127.0.0.1", port, f"/{code}", timeout_seconds=2) == "") is ok


def test_bad_answers_in_a_row_are_counted_across_workers_and_a_new_process_begins_anew(
    port: int, tmp_path: Path
) -> None:
    def look(process: Process, path: str) -> tuple[int, bool]:
        again = a_prober(tmp_path).examine(process, spec(port, path), NOW)
        assert again.readiness
        return again.readiness.failures, again.started

    assert look(PROCESS, "/200") == (0, True)
    assert [look(PROCESS, "/500") for _ in range(3)] == [(1, True), (2, True), (3, True)]
    assert look(PROCESS, "/200") == (0, True)
    assert look(replace(PROCESS, pid=2), "/500") == (1, False)


def test_nothing_there_and_silence_are_told_apart(prober: Prober) -> None:
    nobody = free_port()
    refused = prober.examine(PROCESS, spec(nobody), NOW).readiness
    assert refused
    assert "nothing answers" in refused.message
    assert "refused" in liveness.get("127.0.0.1", nobody, "/", timeout_seconds=1).lower()

    hangs = free_port()
    silent = SilentPort(hangs)
    try:
        unanswered = prober.examine(PROCESS, spec(hangs), NOW).readiness
        assert unanswered
        assert "no answer within 3 s" in unanswered.message
        assert "no answer within" in liveness.get("127.0.0.1", hangs, "/", timeout_seconds=0.2)
    finally:
        silent.stop()


def test_what_is_not_http_is_no_health() -> None:
    def speak(listener: socket.socket) -> None:
        with listener.accept()[0] as connection:
            connection.sendall(b"SSH-2.0-x\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        speaker = threading.Thread(target=speak, args=[listener])
        speaker.start()
        assert "not HTTP" in liveness.get("127.0.0.1", listener.getsockname()[1], "/", timeout_seconds=2)
        speaker.join()


def test_an_answer_of_a_stranger_on_the_port_proves_nothing(port: int, prober: Prober) -> None:
    examined = prober.examine(PROCESS, plain(port), NOW)

    assert examined.readiness
    assert not examined.started
    assert "not by the app" in examined.readiness.message


def test_a_program_that_opened_another_port_is_told_which(port: int, prober: Prober) -> None:
    """This process listens on `port`; it was to listen on `own`."""
    own = free_port()

    answer = prober.examine(replace(PROCESS, pid=os.getpid()), plain(own), NOW).readiness

    assert answer
    assert f"nothing answers at 127.0.0.1:{own}; the process listens on port" in answer.message
    assert str(port) in answer.message
    assert answer.message.endswith(f" (its own is {own})")


@pytest.mark.parametrize("phase", [Phase.DEACTIVATING, Phase.FAILED])
def test_a_process_that_has_ended_is_not_asked(prober: Prober, phase: Phase) -> None:
    ended = replace(PROCESS, phase=phase)

    assert prober.examine(ended, spec(free_port()), NOW) == ended


def test_one_that_is_not_ready_yet_may_say_why_but_has_not_started(port: int, prober: Prober) -> None:
    examined = prober.examine(replace(PROCESS, phase=Phase.ACTIVATING), spec(port, "/503"), NOW)

    assert examined.readiness
    assert "503" in examined.readiness.message
    assert not examined.started


def test_the_daemon_calls_a_worker_at_the_threshold_and_its_count_goes_on_in_the_worker(
    port: int, tmp_path: Path, prober: Prober
) -> None:
    sentinel = Sentinel(tmp_path / "state" / "liveness.json")
    probe = WatchedProbe(
        release="a-1", host="127.0.0.1", unix="", port=port, path="/500", period=0.05, timeout=1.0, threshold=3
    )

    calls: list[bool] = []
    wait_for(lambda: calls.append(sentinel.watch(probe)) or any(calls), "the call", within=timedelta(seconds=10))

    pulse = read(tmp_path / "state" / "liveness.json")
    assert pulse
    assert pulse.failures == 3
    process = replace(PROCESS, since=datetime.fromisoformat(pulse.since) - timedelta(minutes=1))
    prober.examine(process, spec(port), NOW)  # well once, so that liveness is asked
    failing = spec(port).model_copy(
        update={
            "service": spec(port).service.model_copy(
                update={"liveness_probe": spec(port, "/500").service.liveness_probe}
            )
        }
    )
    examined = prober.examine(process, failing, NOW)
    assert examined.liveness
    assert examined.liveness.failures == 4

    sentinel.watch(replace(probe, path="/200", period=0.0))
    assert read(tmp_path / "state" / "liveness.json") is None


def test_bad_answers_about_readiness_between_the_passes_are_counted_by_the_next_pass(
    port: int, tmp_path: Path, prober: Prober
) -> None:
    sentinel = Sentinel(tmp_path / "state" / "readiness.json")
    probe = WatchedProbe(
        release="a-1", host="127.0.0.1", unix="", port=port, path="/500", period=0.0, timeout=1.0, threshold=2
    )
    assert [sentinel.watch(probe), sentinel.watch(probe)] == [False, True]
    pulse = read(tmp_path / "state" / "readiness.json")
    assert pulse

    process = replace(PROCESS, since=datetime.fromisoformat(pulse.since) - timedelta(minutes=1))
    prober.examine(process, spec(port), NOW)
    unready = spec(port).service.model_copy(update={"readiness_probe": spec(port, "/500").service.readiness_probe})
    examined = prober.examine(process, spec(port).model_copy(update={"service": unready}), NOW)

    assert examined.readiness
    assert examined.readiness.failures == 3


def test_an_app_that_drips_its_answer_holds_the_daemon_up_no_longer_than_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while not stop.wait(0.05):
                    connection.sendall(b".")

        thread = threading.Thread(target=drip)
        thread.start()
        begun = time.monotonic()
        assert liveness.get("127.0.0.1", listener.getsockname()[1], "/", timeout_seconds=0.5) == ""
        took = time.monotonic() - begun
        stop.set()
        thread.join()
    assert took < 5, "it would have gone on for an hour"
