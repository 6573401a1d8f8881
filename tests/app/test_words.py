"""What is said of a failure: once, with what to do, and without a word against itself."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from app.backends.breaker import ENOUGH, Breaker
from app.backends.words import OF_STATUS, failure
from app.moods import Failure, in_seconds
from tests.app.conftest import Start
from tests.app.upstream import Upstream
from tests.app.venvs import ROOT
from tests.process import run

SHOWN = """
import asyncio, json, re, time
from datetime import timedelta
from app.backends.breaker import Breaker, ENOUGH
from app.backends.words import OF_STATUS, failure
from app.batching import _busy
from app.engine import EMPTY_TEXT, LOADING, TOO_LONG
from app.moods import Failure
from app.ui.answers import trouble

def resting(status):
    breaker = Breaker()
    for _ in range(ENOUGH + 1):
        try:
            with breaker.watch():
                raise failure(OF_STATUS[status])
        except Failure as found:
            told = found
    return told

shown = {
    "gone": failure(OF_STATUS[404]), "gone, resting": resting(404), "token, resting": resting(401),
    "limited": failure(OF_STATUS[429], timedelta(seconds=4.2)), "limited, resting": resting(429),
    "limited for a minute": failure(OF_STATUS[429]), "limited for no time": failure(OF_STATUS[429], timedelta()),
    "slow": failure(OF_STATUS[504], timedelta(seconds=0.3)), "slow, resting": resting(504),
    "busy": _busy(timedelta(seconds=4.2)), "no credits": failure(OF_STATUS[402]), "unreadable": failure(OF_STATUS[400]),
    "empty": EMPTY_TEXT, "too long": TOO_LONG, "loading": LOADING,
}
print(json.dumps({name: " ".join(re.sub("<[^>]*>", " ", trouble(each)).split()) for name, each in shown.items()}))
"""
LASTING = "Trying again will not help until that is done."


@pytest.fixture(scope="module")
def shown(onnx_python: Path) -> dict[str, str]:
    """By case, what the page says."""
    said = run(onnx_python, "-c", SHOWN, cwd=ROOT)
    return json.loads(said[said.index('{"gone"') :])


@pytest.mark.app
@pytest.mark.parametrize("case", ["gone", "gone, resting", "token, resting"])
def test_what_lasts_is_never_to_be_tried_again(shown: dict[str, str], case: str) -> None:
    assert shown[case].endswith(LASTING)
    assert shown[case].lower().count("try") == 1
    assert " in " not in shown[case].removesuffix(LASTING).rpartition("(It has been so")[2]


@pytest.mark.app
@pytest.mark.parametrize(
    ("case", "when"),
    [
        ("limited", "again in 5 s."),
        ("limited, resting", "next try is in 2 s.)"),
        ("limited for a minute", "again in a minute."),
        ("limited for no time", "again in 1 s."),
        ("slow", "took too long. Try again in 1 s."),
        ("slow, resting", "next try is in 2 s.)"),
        ("busy", "again in 5 s."),
    ],
)
def test_when_to_come_again_is_said_once_and_never_as_now(shown: dict[str, str], case: str, when: str) -> None:
    assert shown[case].endswith(when)
    assert shown[case].count(" in ") == 1
    assert "resting" not in case or "try again" not in shown[case].lower()


@pytest.mark.app
@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("no credits", "https://huggingface.co/settings/billing"),
        ("no credits", "Trying again helps once there are credits."),
        ("unreadable", "Please shorten it, or write it in other words."),
        ("too long", "Please shorten it."),
        ("empty", "Please enter some text to analyze."),
        ("loading", "This may pass by itself."),
    ],
)
def test_each_says_what_to_do_and_who_can(shown: dict[str, str], case: str, told: str) -> None:
    assert told in shown[case]
    assert LASTING not in shown[case]
    assert case == "loading" or "may pass by itself" not in shown[case]


def test_a_time_to_wait_is_whole_seconds_that_are_enough() -> None:
    times = [timedelta(), timedelta(seconds=0.2), timedelta(seconds=5), timedelta(seconds=5.001)]
    assert [in_seconds(time) for time in times] == [1, 1, 5, 6]


def test_no_time_is_given_for_what_waiting_does_not_cure() -> None:
    assert failure(OF_STATUS[404], timedelta(seconds=5)).retry_after is None
    breaker = Breaker()
    for _ in range(ENOUGH + 1):
        with pytest.raises(Failure) as told, breaker.watch():
            raise failure(OF_STATUS[404])
    assert told.value.retry_after is None


@pytest.mark.app
def test_the_header_says_the_time_that_the_message_says(start: Start, api_python: Path, upstream: Upstream) -> None:
    given = {"MODE": "api", "API_URL": upstream.url, "HF_TOKEN": "hf_any", "API_PATIENCE": "0"}
    app = start(api_python, **given).ready()
    upstream.fail("429-after-5")
    told = app.mood("I am happy")
    assert told.json()["message"].endswith("again in 5 s.")
    assert told.headers["retry-after"] == "5"
