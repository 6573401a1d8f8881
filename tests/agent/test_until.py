"""What ends by itself, and a restart that a push asks for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.agent.conftest import Setup
from tests.localvm import server
from tests.process import Failed


def test_a_suspension_ends_by_itself_also_when_the_agent_was_restarted_meanwhile(deployed: Setup) -> None:
    vm = deployed.vm
    said = vm.gitops("suspend", "--until", "20s", "exam week")
    assert "until 20" in said
    assert ": exam week; `gitops-vm resume` ends it" in said
    ends = datetime.fromisoformat(json.loads((vm.home / "state" / "paused.json").read_text())["until"])
    vm.stop()
    vm.start()
    pushed = deployed.repo.deploy("two")

    vm.wait_live(pushed)

    assert datetime.now(UTC) >= ends
    vm.wait_condition("Ready", "True")
    assert not vm.condition("Suspended")


@pytest.mark.parametrize(
    "until", ["soon", "5", "2020-01-01T00:00:00Z", "2030-01-01T00:00:00", "-1h", "", "99999999999h"]
)
def test_an_end_that_cannot_be_meant_is_refused(deployed: Setup, until: str) -> None:
    with pytest.raises(Failed) as refused:
        deployed.vm.gitops("suspend", f"--until={until}", "exam week")

    assert refused.value.code == 64
    assert "Traceback" not in refused.value.err
    assert not (deployed.vm.home / "state" / "paused.json").exists()


def test_an_end_may_be_a_point_in_time_with_its_zone(deployed: Setup) -> None:
    at = (datetime.now(UTC) + timedelta(hours=3)).isoformat(timespec="seconds")

    assert at in deployed.vm.gitops("suspend", "--until", at)


def test_restarted_at_is_another_process_of_the_same_code_in_the_same_environment(setup: Setup) -> None:
    vm = setup.vm
    setup.repo.deploy("one", {"desired-state.yaml": vm.state(), "server.py": server()})
    vm.gitops("reconcile")
    before, venv = vm.app_pid, vm.status["environment"]["venv"]

    asked = setup.repo.deploy("again", {"desired-state.yaml": vm.state('restartedAt: "exam week is over"\n')})
    said = vm.gitops("reconcile")

    assert "Prepare" not in said
    assert vm.get() == asked
    assert vm.app_pid not in {0, before}
    assert vm.status["environment"]["venv"] == venv
    assert vm.gitops("plan").startswith(f"main@sha1:{asked[:8]}  ReconciliationSucceeded")
