"""Somebody pushes again and again, each time with another lock: what is rolled out is the first and the last of it."""

from __future__ import annotations

import json
import time
from datetime import timedelta

from tests.agent.conftest import Setup
from tests.localvm import server

PUSHES = 25
EVERY = 0.6
"""Seconds from push to push, so that each look at the remote sees another commit."""
INTERVAL = "3s"
"""Five looks fall into that time. A build here takes a second."""


def test_many_pushes_in_a_row_that_each_change_the_lock_are_at_most_two_rollouts(setup: Setup) -> None:
    vm, repo, _ = setup
    state = vm.state().replace("interval: 2s", f"interval: {INTERVAL}")
    first = repo.deploy("first", {"desired-state.yaml": state, "server.py": server(), "requirements.txt": ""})
    vm.start()
    vm.wait_live(first)
    vm.wait_condition("Ready", "True")
    before = len(_events(setup))

    began = time.monotonic()
    for number in range(PUSHES):
        pushed = repo.deploy(str(number), {"requirements.txt": f"# {number}\n", "server.py": f"# {number}\n{server()}"})
        time.sleep(max(0.0, began + (number + 1) * EVERY - time.monotonic()))
    vm.wait_live(pushed, within=timedelta(minutes=2))
    vm.wait_condition("Ready", "True")

    told = _events(setup)[before:]
    for what in ("began to build", "built", "started"):
        assert 1 <= sum(each.startswith(what) for each in told) <= 2, told


def _events(setup: Setup) -> list[str]:
    said = json.loads(setup.vm.gitops("events", "--json", "-n", "200"))
    return [each["message"] for each in said]
