"""What the agent tells of a switch: how it was made, why so, and how long nobody answered, held against what a visitor saw."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

from agent.status.wire import read_duration
from tests.agent.conftest import Setup
from tests.agent.test_handover import confirmed, deploy, deploy_taker, live, served
from tests.localvm import LocalVM, server
from tests.status_checker import check
from tests.waiting import wait_for

__all__ = ["served"]

SLOW = "import time\ntime.sleep(3)\n"
STEP = 0.02
"""Seconds between two questions of the visitor."""
OPENS = "a program that opens its port itself"


def test_a_plain_restart_says_why_and_how_long_nobody_answered_as_a_visitor_saw_it(deployed: Setup) -> None:
    vm, repo, _ = deployed
    with visitor(vm) as silence:
        pushed = repo.deploy("two", {"server.py": SLOW + server()})
        vm.wait_live(pushed)
        vm.wait_condition("Ready", "True")

    newest = _newest(vm)
    assert (newest["strategy"], newest["strategyReason"], newest["outage"]["visitors"]) == ("restart", OPENS, "refused")
    _holds(newest["outage"], silence())
    assert any(each.endswith(f"is to run and does not; restart: {OPENS}") for each in _events(vm))
    assert sum(each.startswith("nobody answered for ") for each in _events(vm)) == 1
    check(vm.status)


def test_an_agent_that_is_killed_meanwhile_tells_it_all_the_same(deployed: Setup) -> None:
    vm, repo, _ = deployed
    with visitor(vm) as silence:
        pushed = repo.deploy("two", {"server.py": SLOW + server()})
        wait_for(lambda: not vm.get(), "the old one to end")
        vm.kill()
        vm.start()
        vm.wait_live(pushed)
        vm.wait_condition("Ready", "True")

    _holds(_newest(vm)["outage"], silence())


def test_behind_the_held_socket_visitors_waited_and_after_a_handover_there_is_nothing_to_tell(served: Setup) -> None:
    vm = served.vm
    live(vm, deploy(served, "two", rollout=", strategy: restart"))
    confirmed(vm)
    newest = _newest(vm)
    assert (newest["strategy"], newest["strategyReason"]) == ("restart", "rollout.strategy: restart")
    assert newest["outage"]["visitors"] == "waited"
    assert any(each.startswith("visitors waited for ") for each in _events(vm))

    live(vm, deploy(served, "three"))
    newest = _newest(vm)
    assert (newest["strategy"], newest["outage"]) == ("handover", None)
    assert newest["strategyReason"].startswith("both take their visitors from the held socket, and two copies fit: ")

    live(vm, deploy_taker(served, "four", strategy="auto"))
    taker = "a program that takes the held socket itself (rollout.strategy: handover would hand it over)"
    assert (_newest(vm)["strategyReason"], _newest(vm)["outage"]["visitors"]) == (taker, "waited")


@contextmanager
def visitor(vm: LocalVM) -> Iterator[Callable[[], timedelta]]:
    """Asks all the time; the longest time in which nobody answered."""
    ending, bad = Event(), list[tuple[float, float]]()

    def ask() -> None:
        good = time.monotonic()
        while not ending.wait(STEP):
            begun = time.monotonic()
            if vm.get():
                bad.append((good, begun))
                good = time.monotonic()

    thread = Thread(target=ask)
    thread.start()
    try:
        yield lambda: timedelta(seconds=max(end - begin for begin, end in bad))
    finally:
        ending.set()
        thread.join()


def _holds(outage: dict[str, Any], seen: timedelta) -> None:
    """What the visitor saw lies between the two numbers, but for what it needs itself to notice either end."""
    assert read_duration(outage["atLeast"]) <= seen, (outage, seen)
    assert seen <= read_duration(outage["atMost"]) + timedelta(seconds=1), (outage, seen)
    assert read_duration(outage["atMost"]) >= timedelta(seconds=3)


def _newest(vm: LocalVM) -> dict[str, Any]:
    newest: dict[str, Any] = vm.status["history"][0]
    return newest


def _events(vm: LocalVM) -> list[str]:
    return [each["message"] for each in json.loads(vm.gitops("events", "--json"))]
