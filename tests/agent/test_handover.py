"""Releases that share the port: what a visitor, a bad push and a killed agent make of a switch."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.host import proc
from agent.host.proc import is_running
from agent.host.supervisor import unit_json
from agent.paths import locate
from tests.agent.conftest import Setup
from tests.localvm import LocalVM
from tests.moments import Rollout
from tests.ports import free_port
from tests.process import Background, parent
from tests.waiting import wait_for

PAGE = """\
import json, os, time

STARTED = time.monotonic()

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    age = time.monotonic() - STARTED
    status = 500 if {ill} else 200
    body = json.dumps({{"revision": os.environ["REVISION"], "pid": os.getpid()}}).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({{"type": "http.response.start", "status": status, "headers": head}})
    await send({{"type": "http.response.body", "body": body}})
"""


def page(*, ill: str = "False") -> str:
    """An ASGI app that answers with its revision; 500 while the expression over `age`, `scope` and `os` is true."""
    return PAGE.format(ill=ill)


TAKER = """\
import http.server, json, os, socket, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"revision": os.environ["REVISION"], "pid": os.getpid()}).encode()
        self.send_response(200)
        if self.path == "/events":
            self.send_header("Connection", "close")
            self.end_headers()
            for _ in range(15):
                self.wfile.write(b"data: " + body + b"\\n\\n")
                time.sleep(0.1)
            self.wfile.write(b"event: end\\n\\n")
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

held = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
held.socket.close()
assert os.environ["LISTEN_PID"] == str(os.getpid())
held.socket = socket.socket(fileno=3)
held.serve_forever()
"""
"""A program that takes its socket itself, and ends on SIGTERM at once: whatever is in flight then is lost."""


def state(vm: LocalVM, *, soak: str = "2s", rollout: str = "") -> str:
    return vm.state().replace("exec: python server.py", "asgi: page:app").replace("soak: 0s", f"soak: {soak}{rollout}")


@pytest.fixture
def served(setup: Setup) -> Setup:
    """A first release that runs and is confirmed, and the daemon at work."""
    deploy(setup, "one")
    setup.vm.start()
    wait_for(lambda: answered(setup.vm), "the first release")
    confirmed(setup.vm)
    return setup


def deploy(setup: Setup, message: str, *, ill: str = "False", before: str = "", **options: str) -> str:
    files = {"desired-state.yaml": state(setup.vm, **options), "page.py": f"# {message}\n{before}{page(ill=ill)}"}
    return setup.repo.deploy(message, files)


def deploy_taker(setup: Setup, message: str, *, strategy: str = "handover", taker: str = TAKER) -> str:
    plain = state(setup.vm, rollout=f", strategy: {strategy}")
    program = plain.replace("asgi: page:app", "exec: python taker.py\n  socketActivation: true")
    return setup.repo.deploy(message, {"desired-state.yaml": program, "taker.py": f"# {message}\n{taker}"})


def answered(vm: LocalVM) -> str:
    """The revision that answers on the port."""
    return str(json.loads(vm.get() or '{"revision": ""}')["revision"])


def live(vm: LocalVM, revision: str) -> None:
    wait_for(lambda: answered(vm) == revision, f"{revision} to answer", within=timedelta(seconds=60))
    vm.wait_condition("Ready", "True")


def confirmed(vm: LocalVM) -> None:
    wait_for(
        lambda: vm.status["lastAppliedRevision"] == vm.status["activeRevision"] != "",
        "its trial to end",
        unless=(OSError,),
    )


@contextmanager
def visitors(vm: LocalVM, tmp_path: Path, *words: str) -> Iterator[dict[str, Any]]:
    """What became of every request, filled in when the block has ended."""
    out, told = tmp_path / "load.json", dict[str, Any]()
    load = Background(
        sys.executable,
        "-m",
        "tests.load",
        f"http://127.0.0.1:{vm.port}",
        *("--seconds", "600", *words),
        "--json",
        str(out),
        log=tmp_path / "load.log",
    )
    try:
        yield told
    finally:
        load.stop()
    told.update(json.loads(out.read_text()))


def test_three_pushes_in_a_row_fail_no_request(served: Setup, tmp_path: Path) -> None:
    with visitors(served.vm, tmp_path) as told:
        for message in ("two", "three", "four"):
            live(served.vm, deploy(served, message))
    assert failures(told) == []
    assert len(told["releases"]) == 4


def test_three_pushes_of_a_program_that_takes_the_socket_itself_fail_no_request(setup: Setup, tmp_path: Path) -> None:
    first = deploy_taker(setup, "one")
    setup.vm.start()
    live(setup.vm, first)
    confirmed(setup.vm)
    with visitors(setup.vm, tmp_path, "--sse", "2") as told:
        for message in ("two", "three", "four"):
            live(setup.vm, deploy_taker(setup, message))
    assert failures(told) == []
    assert len(told["releases"]) == 4


def test_an_app_becomes_such_a_program_and_an_app_again_and_no_request_fails(served: Setup, tmp_path: Path) -> None:
    with visitors(served.vm, tmp_path) as told:
        live(served.vm, deploy_taker(served, "two"))
        live(served.vm, deploy(served, "three"))
    assert failures(told) == []
    assert len(told["releases"]) == 3


def test_such_a_program_can_begin_to_be_handed_over_and_be_restarted_again(setup: Setup) -> None:
    setup.vm.start()
    for strategy, expected in (("auto", False), ("handover", True), ("restart", False)):
        live(setup.vm, deploy_taker(setup, strategy, strategy=strategy))
        confirmed(setup.vm)
        launched = b"launcher" in Path(f"/proc/{parent(pid(setup.vm))}/cmdline").read_bytes()
        assert launched is expected, strategy


def test_such_a_program_that_ends_on_trial_is_rejected_with_its_own_status(served: Setup, tmp_path: Path) -> None:
    before = pid(served.vm)
    live(served.vm, deploy_taker(served, "two"))
    os.kill(pid(served.vm), signal.SIGKILL)

    served.vm.wait_condition("RolledBack", "True")
    wait_for(lambda: pid(served.vm) == before, "the one before, in the process it had")
    assert "killed by SIGKILL" in served.vm.condition("Ready")["message"]


def test_such_a_program_that_opens_a_port_itself_is_rejected_and_told_which(served: Setup) -> None:
    other = free_port()
    deploy_taker(served, "astray", taker=TAKER.replace("socket(fileno=3)", f"create_server(('127.0.0.1', {other}))"))
    ready = served.vm.wait_condition("Ready", "False", "HealthCheckFailed")
    assert f"; the process listens on port {other} (its own is {served.vm.port})" in ready["message"]


def test_one_that_opens_a_port_of_its_own_takes_the_place_of_the_one_that_has_it_and_visitors_wait(
    served: Setup, tmp_path: Path
) -> None:
    greedy = f"import socket\nOWN = socket.create_server(('127.0.0.1', {free_port()}))\n"
    live(served.vm, deploy(served, "two", before=greedy))
    confirmed(served.vm)
    with visitors(served.vm, tmp_path) as told:
        revision = deploy(served, "three", before=greedy)
        wait_for(
            lambda: "while it starts alone" in served.vm.condition("Ready")["message"],
            "the second try",
            unless=(OSError,),
        )
        live(served.vm, revision)
    assert [each for each in failures(told) if "hung" not in each] == []
    assert len(told["releases"]) == 2


def test_for_a_port_that_a_stranger_has_nothing_is_interrupted(served: Setup, tmp_path: Path) -> None:
    before = pid(served.vm)
    with socket.create_server(("127.0.0.1", 0)) as taken, visitors(served.vm, tmp_path) as told:
        deploy(served, "two", before=f"import socket\nsocket.create_server({taken.getsockname()!r})\n")
        ready = served.vm.wait_condition("Ready", "False", "ProcessExited")
    assert "found a port in use that it opens itself" in ready["message"]
    assert pid(served.vm) == before
    assert failures(told) == []


def test_a_release_that_never_becomes_ready_is_rejected_and_no_visitor_meets_it(served: Setup, tmp_path: Path) -> None:
    before = pid(served.vm)
    with visitors(served.vm, tmp_path) as told:
        deploy(served, "sick", ill="True")
        ready = served.vm.wait_condition("Ready", "False", "HealthCheckFailed")
        served.vm.wait_condition("RolledBack", "True")
    assert "GET / answered 500" in ready["message"]
    assert pid(served.vm) == before
    assert failures(told) == []
    assert len(told["releases"]) == 1


def test_one_that_falls_ill_on_trial_gives_the_traffic_back_to_the_one_that_was_kept_warm(served: Setup) -> None:
    before = pid(served.vm)
    sick = deploy(served, "ill later", ill="age > 4", soak="60s")
    live(served.vm, sick)

    served.vm.wait_condition("RolledBack", "True")
    wait_for(lambda: pid(served.vm) == before, "the one before, in the process it had")
    assert served.vm.condition("Ready")["status"] == "False"
    assert served.vm.status["rejectedRevisions"][0]["revision"].endswith(sick)


def test_one_that_ends_on_trial_gives_the_traffic_back_to_the_one_that_was_kept_warm(served: Setup) -> None:
    before = pid(served.vm)
    live(served.vm, deploy(served, "ends later", ill="age > 3 and os._exit(7)", soak="60s"))

    served.vm.wait_condition("RolledBack", "True")
    wait_for(lambda: pid(served.vm) == before, "the one before, in the process it had")
    assert "exited with status 7" in served.vm.condition("Ready")["message"]


def test_after_its_trial_a_release_is_confirmed_and_the_one_before_is_stopped(served: Setup) -> None:
    before = pid(served.vm)
    second = deploy(served, "two")
    live(served.vm, second)
    assert is_running(before)

    wait_for(lambda: not is_running(before), "the end of the one before")
    confirmed(served.vm)
    assert served.vm.status["lastAppliedRevision"].endswith(second)
    (known,) = json.loads((served.vm.home / "state" / "ledger.json").read_text())["sizes"].values()
    assert known == pytest.approx(proc.memory(pid(served.vm)), rel=0.5), (
        "the next one of its kind is taken to need as much"
    )


def test_a_push_during_a_trial_confirms_what_is_well_and_goes_on(served: Setup, tmp_path: Path) -> None:
    with visitors(served.vm, tmp_path) as told:
        second = deploy(served, "two", soak="10m")
        live(served.vm, second)
        deploy(served, "sick", ill="True", soak="10m")
        served.vm.wait_condition("RolledBack", "True")
        wait_for(lambda: answered(served.vm) == second, "the second, not the first")
    assert failures(told) == []
    assert served.vm.status["activeRevision"].endswith(second)


@pytest.mark.parametrize(
    "moment", ["the release is there", "it is started", "it is promoted", "it has the traffic", "it is confirmed"]
)
def test_the_agent_killed_in_a_rollout_finishes_it_when_it_is_back(served: Setup, tmp_path: Path, moment: str) -> None:
    before = pid(served.vm)
    rollout = rollout_on(served.vm)
    with visitors(served.vm, tmp_path) as told:
        second = deploy(served, "two")
        rollout.wait_for(moment)
        served.vm.kill()
        served.vm.start()
        live(served.vm, second)
        confirmed(served.vm)
        wait_for(lambda: not is_running(before), "the end of the one before")
    assert failures(told) == []


def rollout_on(vm: LocalVM) -> Rollout:
    """Of the release that is pushed next."""
    paths = locate({"GITOPS_VM_HOME": str(vm.home)}, uid=0)
    return Rollout(paths, lambda release: unit_json.path(paths.data / "supervisor", release))


def failures(told: dict[str, Any]) -> list[str]:
    assert sum(kind["total"] for kind in told["kinds"].values()) > 100
    return [str(each) for each in told["failures"]]


def pid(vm: LocalVM) -> int:
    """Of the process that answers on the port."""
    return int(json.loads(vm.get() or '{"pid": 0}')["pid"])
