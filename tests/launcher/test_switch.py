"""Releases take turns on one socket while many visitors come: nobody is failed, and nobody notices."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import time

import pytest

from tests.launcher.gradio import Caller
from tests.launcher.stage import APPS, Release, Stage
from tests.load.report import Outcome
from tests.load.shots import percentile, releases
from tests.process import Background

pytestmark = pytest.mark.app
END = timedelta(seconds=60)
TURNS = 4
WEB = ("--path", "/slow", "--new", "8", "--keep", "6", "--sse", "4", "--events", "/events?count=30")
CALLS = ("--call", "who", '["x"]', "--calls", "6", "--pages", "2", "--generate", "numbers", '["12"]', "--streams", "2")
GRADIO = ("--path", "/config", "--new", "2", "--keep", "2", *CALLS)


@contextmanager
def visitors(stage: Stage, *words: str) -> Iterator[list[Outcome]]:
    """They come until the block ends; the outcome is in the list afterwards."""
    enough, found = stage.scratch / "enough", stage.scratch / "outcome.json"
    command = (sys.executable, "-m", "tests.load", f"http://127.0.0.1:{stage.port}", "--pause", "0.02")
    who = ("--release", r'(?:"pid": ?|x )(\d+)')
    crowd = Background(*command, *words, *who, "--until-file", enough, "--json", found, log=stage.scratch / "load.log")
    outcome: list[Outcome] = []
    try:
        yield outcome
        enough.touch()
        crowd.wait(END)
        outcome.append(Outcome.read(found))
    finally:
        crowd.stop()


def switch(stage: Stage, old: Release, new: Release) -> tuple[float, float]:
    """When it began and when it was over, in seconds since the epoch."""
    began = time()
    stage.promote(new.name)
    assert new.order(f"accept {old.private}") == "accepting"
    assert old.order("rest") == "resting"
    return began, time()


def process(release: Release) -> int:
    """The one that answers for it: of a program of its own not the launcher's."""
    return json.loads(release.get("/slow")[1])["pid"]


def asked(stage: Stage) -> int:
    """The process that answers now."""
    return json.loads(stage.get("/slow")[1])["pid"]


def called(stage: Stage) -> int:
    """The process a session that begins now finds its home in."""
    caller = Caller(stage.client, secrets.token_hex(6))
    (said,) = caller.press(caller.functions()["who"], "x")
    stage.hang_up()
    return int(said.split()[-1])


def serves(stage: Stage, pid: int, ask: Callable[[Stage], int], times: int) -> None:
    """Whoever comes anew is answered by this process, and by no other."""
    for _ in range(times):
        assert ask(stage) == pid


def take_turns(
    stage: Stage, one: Release, other: Release, ask: Callable[[Stage], int] = asked, times: int = 20
) -> list[tuple[float, float]]:
    """In the end the other one serves, and this one has ended."""
    pids = {each: process(each) if ask is asked else each.pid for each in (one, other)}
    switches = []
    for old, new in [(one, other), (other, one)] * TURNS + [(one, other)]:
        serves(stage, pids[old], ask, times)
        switches.append(switch(stage, old, new))
    serves(stage, pids[other], ask, times)
    one.terminate()
    assert one.exit_code() == 0
    serves(stage, pids[other], ask, times)
    return switches


def unnoticed(outcome: Outcome, switches: list[tuple[float, float]]) -> None:
    """The typical request that was under way at a switch took no longer than the slow ones of all the others."""
    requests = [shot for shot in outcome.shots if shot.kind in {"new", "keep"}]
    during = [shot for shot in requests if any(shot.touches(*each) for each in switches)]
    others = [shot for shot in requests if shot not in during]
    assert during
    assert percentile(during, 0.5) <= percentile(others, 0.99)


@pytest.mark.parametrize("words", [("asgi", "api:app"), ("wsgi", "shop:app")], ids=["fastapi", "flask"])
def test_no_request_fails_while_two_releases_take_turns(stage: Stage, web_python: Path, words: tuple[str, str]) -> None:
    stage.promote("one")
    one, other = stage.start("one", web_python, *words).ready(), stage.start("other", web_python, *words).ready()

    with visitors(stage, *WEB) as outcomes:
        switches = take_turns(stage, one, other)

    (outcome,) = outcomes
    assert not outcome.failed, outcome.table()
    assert {shot.release for shot in outcome.shots if shot.release} == {str(one.pid), str(other.pid)}
    unnoticed(outcome, switches)


def test_no_request_fails_with_the_app_s_own_older_server(stage: Stage, own_python: Path) -> None:
    words = ("asgi", "api:app")
    stage.promote("one")
    one, other = stage.start("one", own_python, *words).ready(), stage.start("other", own_python, *words).ready()

    with visitors(stage, *WEB) as outcomes:
        switches = take_turns(stage, one, other)

    (outcome,) = outcomes
    assert not outcome.failed, outcome.table()
    unnoticed(outcome, switches)


def test_no_prediction_fails_while_two_releases_of_a_gradio_app_take_turns(stage: Stage, gradio_python: Path) -> None:
    stage.promote("one")
    one = stage.start("one", gradio_python, "gradio", "demo.py", grace=1000)
    other = stage.start("other", gradio_python, "gradio", "demo.py", grace=1000)
    one.ready()
    other.ready()

    with visitors(stage, *GRADIO) as outcomes:
        switches = take_turns(stage, one, other, called, times=2)

    (outcome,) = outcomes
    assert not outcome.failed, outcome.table()
    callers = [shot for shot in outcome.shots if shot.kind in {"call", "page", "generate"}]
    assert {row["release"] for row in releases(callers)} == {str(one.pid), str(other.pid)}
    unnoticed(outcome, switches)
    assert "Traceback" not in one.output + other.output, one.output + other.output


UVICORN = ("exec", "uvicorn", "--fd", "3", "--no-access-log", "api:app")
BLOCKING = ("exec", "python", str(APPS / "taker.py"), "--blocking")
API = ("asgi", "api:app")


@pytest.mark.parametrize(
    ("words", "others"), [(UVICORN, UVICORN), (API, UVICORN), (API, BLOCKING)], ids=["uvicorn", "mixed", "blocking"]
)
def test_no_request_fails_with_a_program_that_takes_the_socket_itself(
    stage: Stage, own_python: Path, words: tuple[str, ...], others: tuple[str, ...]
) -> None:
    stage.promote("one")
    path = f"{own_python.parent}:/usr/bin:/bin"
    one = stage.start("one", own_python, *words, PATH=path).ready()
    other = stage.start("other", own_python, *others, PATH=path).ready()
    pids = {str(process(one)), str(process(other))}

    with visitors(stage, *(WEB if others == UVICORN else WEB[:6])) as outcomes:
        switches = take_turns(stage, one, other)

    (outcome,) = outcomes
    assert not outcome.failed, outcome.table()
    assert {shot.release for shot in outcome.shots if shot.release} == pids
    unnoticed(outcome, switches)
    assert "Traceback" not in one.output + other.output, one.output + other.output
