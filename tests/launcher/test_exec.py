"""A program of its own that takes LISTEN_FDS, under the launcher: what it gets, what it says, how both end."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from agent import launcher
from agent.host import proc
from tests.launcher.stage import APPS, Release, Stage
from tests.waiting import wait_for

LARGE = 40_000_000
PYTHON = Path(sys.executable)
TAKER = ("exec", sys.executable, str(APPS / "taker.py"))


def told(release: Release, query: str = "") -> dict[str, Any]:
    return json.loads(release.get(f"/?{query}")[1])


def test_it_answers_in_private_until_it_is_told_to_accept_and_no_visitor_meets_it_before(stage: Stage) -> None:
    stage.promote("old")
    release = stage.start("new", PYTHON, *TAKER).ready()
    process = told(release)["pid"]
    waiting = stage.client()
    waiting.request("GET", "/")
    assert release.order("state") == "resting"

    assert release.order("accept") == "accepting"
    assert json.loads(waiting.getresponse().read())["pid"] == process != release.pid


def test_it_is_ready_when_it_takes_its_first_connection(stage: Stage) -> None:
    release = stage.start("new", PYTHON, *TAKER, "--slow")
    wait_for(lambda: release.order("state"), "the launcher", unless=(OSError,))
    assert release.order("accept") == "error: cannot accept: it is starting"
    assert "READY=1" not in release.notices()
    assert release.ready().order("accept") == "accepting"


def test_one_that_speaks_sd_notify_is_ready_when_it_says_so(stage: Stage, tmp_path: Path) -> None:
    stage.promote("new")
    release = stage.start("new", PYTHON, "--notify", *TAKER, "--after", str(tmp_path / "go"))
    visitor = stage.client()
    visitor.request("GET", "/")
    wait_for(lambda: release.order("state"), "the launcher", unless=(OSError,))
    assert release.order("state") == "resting"
    assert "READY=1" not in release.notices()

    (tmp_path / "go").touch()
    release.ready()
    assert visitor.getresponse().status == 200
    assert release.order("state") == "accepting"


def test_what_it_says_to_systemd_is_passed_on_and_nobody_else_speaks_for_it(stage: Stage) -> None:
    release = stage.start("new", PYTHON, *TAKER, WATCHDOG_USEC="7000000").ready()
    environment = told(release)["environment"]
    assert environment["WATCHDOG_USEC"] == "7000000"
    assert environment["WATCHDOG_PID"] == environment["LISTEN_PID"] == str(told(release)["pid"])

    told(release, "say=STATUS=42+visitors%0AEXTEND_TIMEOUT_USEC=5000000%0AWATCHDOG=1%0AMAINPID=1")
    for line in ("STATUS=42 visitors", "EXTEND_TIMEOUT_USEC=5000000", "WATCHDOG=1"):
        release.told(line)
    assert not [line for line in release.notices() if line.startswith("MAINPID")]


@pytest.mark.parametrize(("how", "code"), [("exit=3", 3), ("kill=9", -signal.SIGKILL), ("kill=10", -signal.SIGUSR1)])
def test_its_end_is_the_launcher_s_end(stage: Stage, how: str, code: int) -> None:
    release = stage.start("new", PYTHON, *TAKER).ready()
    with pytest.raises((OSError, HTTPException)):
        release.get(f"/?{how}")

    assert release.exit_code() == code


def test_what_it_said_last_is_the_last_that_is_told(stage: Stage) -> None:
    release = stage.start("new", PYTHON, *TAKER).ready()
    assert release.order("accept") == "accepting"
    with pytest.raises((OSError, HTTPException)):
        release.get("/?say=STATUS=the+moods+are+gone&exit=3")

    assert release.exit_code() == 3
    assert release.notices()[-1] == "STATUS=the moods are gone"


def test_what_cannot_be_started_is_said(stage: Stage) -> None:
    release = stage.start("new", PYTHON, "exec", "no-such-program", "--release", "x", "--", "-h")

    assert release.exit_code() == 127
    assert release.output == "launcher: cannot start no-such-program: No such file or directory\n"


@pytest.mark.parametrize("words", [("exec",), ("asgi", "one:app", "two:app")])
def test_a_command_line_that_cannot_be_meant_is_refused(stage: Stage, words: tuple[str, ...]) -> None:
    release = stage.start("new", PYTHON, *words)

    assert release.exit_code() == launcher.EX_CONFIG
    assert "target is" in release.output


def test_on_sigterm_what_was_asked_is_answered_first_and_then_the_program_is_told(stage: Stage, tmp_path: Path) -> None:
    stage.promote("live")
    release = stage.start("live", PYTHON, *TAKER).ready()
    asked, kept = stage.client(), stage.client()
    kept.request("GET", "/")
    assert kept.getresponse().read()
    asked.request("GET", f"/?seconds=1&touch={tmp_path / 'asked'}")
    wait_for((tmp_path / "asked").exists, "the question to arrive")

    release.terminate()
    release.told("STATUS=draining")
    kept.request("GET", "/")
    answer = kept.getresponse()
    assert (answer.status, answer.getheader("connection")) == (200, "close")
    assert asked.getresponse().status == 200
    assert release.exit_code() == 0
    assert release.output == "the program has ended\n"


def test_the_launcher_needs_nothing_newer_than_the_oldest_python(stage: Stage, oldest_python: Path) -> None:
    stage.promote("live")
    release = stage.start("live", oldest_python, *TAKER).ready()
    assert stage.get("/")[0] == 200
    release.terminate()
    assert release.exit_code() == 0
    assert release.output == "the program has ended\n"


def test_one_that_ignores_sigterm_costs_the_grace_and_no_more(stage: Stage) -> None:
    release = stage.start("new", PYTHON, *TAKER, "--deaf", grace=2).ready()
    process = told(release)["pid"]
    release.terminate()
    try:
        assert release.exit_code() == 0
    finally:
        os.kill(process, signal.SIGKILL)  # as the service manager does with all that is left


def test_there_is_room_for_as_many_visitors_as_the_system_allows_and_the_program_has_its_own_limit(
    stage: Stage, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    few.write_text(f'#!/bin/sh\nulimit -Sn 1000\nexec {PYTHON} "$@"\n')
    few.chmod(0o755)
    release = stage.start("new", few, *TAKER).ready()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    assert resource.prlimit(told(release)["pid"], resource.RLIMIT_NOFILE) == (1000, most)
    assert resource.prlimit(release.pid, resource.RLIMIT_NOFILE) == (most, most)


def test_a_visitor_who_hears_slowly_is_waited_for_and_costs_no_memory(stage: Stage) -> None:
    stage.promote("live")
    release = stage.start("live", PYTHON, *TAKER).ready()
    before = proc.rss(release.pid) or 0
    slow = stage.client()
    slow.request("GET", f"/?size={LARGE}")
    answer = slow.getresponse()
    for _ in range(50):
        assert stage.get("/")[0] == 200  # meanwhile others are answered
    assert (proc.rss(release.pid) or 0) - before < LARGE / 4
    assert len(answer.read()) == LARGE


def test_a_large_question_arrives_whole(stage: Stage) -> None:
    stage.promote("live")
    stage.start("live", PYTHON, *TAKER).ready()
    visitor = stage.client()
    visitor.request("POST", "/", b"x" * LARGE)
    assert json.loads(visitor.getresponse().read())["size"] == LARGE


def test_visitors_are_told_apart_and_none_comes_from_the_address_that_programs_trust(stage: Stage) -> None:
    stage.promote("live")
    release = stage.start("live", PYTHON, *TAKER).ready()
    mine = json.loads(stage.get("/")[1])["visitor"]
    other = stage.client()
    other.source_address = ("127.0.0.9", 0)
    other.request("GET", "/")
    others = json.loads(other.getresponse().read())["visitor"]

    assert mine.startswith("127.")
    assert others.startswith("127.")
    assert not {mine, others} & {"127.0.0.1", "127.0.0.9"}
    assert mine != others
    assert json.loads(stage.get("/")[1])["visitor"] == mine
    assert told(release)["visitor"] == "127.0.0.1"
