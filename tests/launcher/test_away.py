"""What visitors are told while there is nothing to start, by the real program on a held socket."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from tests.localvm import ROOT
from tests.ports import LOOPBACK
from tests.process import Background
from tests.waiting import wait_for

HANDED_ON = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.executable, [sys.executable, '-m', 'agent.launcher.away', sys.argv[2]])"


class Away:
    """Each visitor wakes it, as systemd does."""

    def __init__(self, data: Path) -> None:
        self.data = data
        (data / "state").mkdir()
        self._held = socket.create_server((LOOPBACK, 0))
        self._held.setblocking(False)
        self.url = f"http://{LOOPBACK}:{self._held.getsockname()[1]}/"
        self.process = self._woken()

    def _woken(self) -> Background:
        fd = self._held.fileno()
        argv = (sys.executable, "-c", HANDED_ON, str(fd), str(self.data))
        return Background(*argv, log=self.data / "log", cwd=ROOT, pass_fds=(fd,))

    def get(self, **headers: str) -> requests.Response:
        return requests.get(self.url, headers=headers, timeout=20)

    def ready(self, reason: str, message: str) -> None:
        document = {"conditions": [{"type": "Ready", "reason": reason, "message": message}]}
        (self.data / "state" / "status.json").write_text(json.dumps(document))

    def end(self) -> None:
        self.process.stop()
        self._held.close()


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Away]:
    made = Away(tmp_path)
    yield made
    made.end()


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


def test_it_leaves_at_once_when_there_is_a_release_to_start_and_by_itself_after_its_shift(away: Away) -> None:
    assert away.get().status_code == 503
    (away.data / "current").symlink_to("releases/mood-1")
    wait_for(lambda: not away.process.running, "its end", within=timedelta(seconds=2))


def test_a_visitor_who_says_nothing_does_not_keep_the_others(away: Away) -> None:
    with socket.create_connection((LOOPBACK, int(away.url.rpartition(":")[2].strip("/")))):
        assert away.get().status_code == 503
