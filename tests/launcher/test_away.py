"""What visitors are told while there is nothing to start, by the real program on a held socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from tests.launcher.stage import Stage
from tests.localvm import ROOT
from tests.ports import LOOPBACK
from tests.process import Background
from tests.waiting import wait_for

HANDED_ON = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.executable, [sys.executable, '-m', 'agent.launcher.away', *sys.argv[2:]])"


class Away:
    """As a visitor wakes it."""

    def __init__(self, data: Path, held: socket.socket, launched: Path) -> None:
        self.data, self.launched = data, launched
        (data / "state").mkdir()
        self._held = held
        self._held.setblocking(False)
        self.url = f"http://{LOOPBACK}:{self._held.getsockname()[1]}/"
        self.process = self.woken()

    def woken(self) -> Background:
        fd = self._held.fileno()
        argv = (sys.executable, "-c", HANDED_ON, str(fd), str(self.data), str(self.launched))
        return Background(*argv, log=self.data / "log", cwd=ROOT, pass_fds=(fd,))

    def get(self, **headers: str) -> requests.Response:
        return requests.get(self.url, headers=headers, timeout=20)

    def ready(self, reason: str, message: str, *, status: str = "False") -> None:
        document = {"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": message}]}
        (self.data / "state" / "status.json").write_text(json.dumps(document))

    def leaves(self) -> None:
        wait_for(lambda: not self.process.running, "its end", within=timedelta(seconds=2))


def down_for(launched: Path, seconds: float, *, noted: float = 0) -> None:
    """Nobody has answered for so long, as another page noted so many seconds ago."""
    (launched / "away").mkdir(parents=True)
    since = launched / "away" / "since"
    since.write_text(f"{time.time() - seconds}")
    os.utime(since, (time.time() - noted,) * 2)


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Away]:
    with socket.create_server((LOOPBACK, 0)) as held:
        made = Away(tmp_path, held, tmp_path / "launched")
        yield made
        made.process.stop()


@pytest.fixture
def down(tmp_path: Path) -> Iterator[Callable[[], Away]]:
    """The page of an app that was promoted, woken when it is called for."""
    (tmp_path / "current").symlink_to("releases/mood-1")
    made: list[Away] = []
    with socket.create_server((LOOPBACK, 0)) as held:

        def woken() -> Away:
            made.append(Away(tmp_path, held, tmp_path / "launched"))
            return made[-1]

        yield woken
        for each in made:
            each.process.stop()


def test_before_anything_was_healthy_who_comes_is_told_so_with_the_code_and_not_the_owner_s_message(away: Away) -> None:
    away.ready("InstallFailed", "a line of the build's log")
    said = away.get()

    assert (said.status_code, said.headers["Retry-After"]) == (503, "5")
    assert said.text == "No version of the app has been healthy here yet (InstallFailed).\n"


def test_a_browser_gets_a_page_that_looks_again_by_itself(away: Away) -> None:
    away.ready("<script>", "")
    said = away.get(Accept="text/html,*/*")

    assert said.status_code == 503
    assert said.headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'http-equiv="refresh"' in said.text
    assert "&lt;script&gt;" in said.text


def test_a_stopped_app_is_said_to_be_stopped(away: Away) -> None:
    (away.data / "state" / "stopped").touch()

    assert away.get().text == "The app was stopped.\n"


def test_it_leaves_at_once_when_there_is_a_release_to_start(away: Away) -> None:
    assert away.get().status_code == 503
    (away.data / "current").symlink_to("releases/mood-1")
    away.leaves()


def test_a_visitor_who_says_nothing_does_not_keep_the_others(away: Away) -> None:
    with socket.create_connection((LOOPBACK, int(away.url.rpartition(":")[2].strip("/")))):
        assert away.get().status_code == 503


def test_who_comes_while_a_release_is_down_waits_some_seconds_for_its_restart(down: Callable[[], Away]) -> None:
    page, before = down(), time.monotonic()
    page.ready("ProcessExited", "a line of its log")

    assert page.get().text == "The app is down and is being started again (ProcessExited).\n"
    assert 9 < time.monotonic() - before < 20


def test_how_long_it_is_down_is_remembered_from_page_to_page(down: Callable[[], Away], tmp_path: Path) -> None:
    down_for(tmp_path / "launched", 60, noted=30)
    page, before = down(), time.monotonic()

    assert page.get().status_code == 503
    assert time.monotonic() - before < 5


def test_an_outage_that_was_noted_long_ago_is_another_one(down: Callable[[], Away], tmp_path: Path) -> None:
    down_for(tmp_path / "launched", 3600, noted=120)
    page = down()

    with pytest.raises(requests.Timeout):
        requests.get(page.url, timeout=4)


def test_of_a_release_that_ran_well_when_the_status_was_written_no_reason_is_told(
    down: Callable[[], Away], tmp_path: Path
) -> None:
    down_for(tmp_path / "launched", 60)
    page = down()
    page.ready("ReconciliationSucceeded", "", status="True")

    assert page.get().text == "The app is down and is being started again.\n"


def test_told_to_end_it_answers_whom_it_has_let_in(down: Callable[[], Away], tmp_path: Path) -> None:
    down_for(tmp_path / "launched", 60)
    page = down()
    assert page.get().status_code == 503
    with socket.create_connection((LOOPBACK, int(page.url.rpartition(":")[2].strip("/")))) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        assert page.get().status_code == 503  # whoever came before is let in by then
        os.kill(page.process.pid, signal.SIGTERM)
        slow.sendall(b"\r\n")
        assert slow.recv(12) == b"HTTP/1.1 503"
    page.leaves()


@pytest.mark.app
def test_a_release_sends_it_away_before_it_accepts_and_one_that_comes_later_leaves_at_once(
    stage: Stage, web_python: Path
) -> None:
    down_for(stage.scratch / "private", 60)
    stage.promote("before")
    page = Away(stage.scratch, stage.held, stage.scratch / "private")
    release = stage.start("new", web_python, "asgi", "api:app").ready()
    assert stage.get("/slow")[0] == 503

    assert release.order("accept") == "accepting"
    assert {stage.get("/slow")[0] for _ in range(20)} == {200}
    page.leaves()
    assert not (page.launched / "away" / "since").exists()

    page.process = page.woken()
    page.leaves()
    assert stage.get("/slow")[0] == 200
