"""The service manager's contract on a real systemd, and what a reboot leaves of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.process import run_bytes
from tests.vm.conftest import Boot
from tests.vm.machine import Machine

ROOT = Path(__file__).parents[2]
PARTS = ("agent", "systemd", "tests", "pyproject.toml")
NEEDS = "pytest pytest-timeout pytest-xdist pydantic pyyaml requests uvicorn a2wsgi sdnotify"
PYTHON = "checkout/.venv/bin/python"
_MINUTES = timedelta(minutes=8)

KEPT = """
import os
from tests.contract.real import RealHarness
real = RealHarness(os.environ)
release = real.make_release("--kept", socketActivation=True)
real.run(release)
real.paths.current.unlink(missing_ok=True)
real.paths.current.symlink_to(f"releases/{release.id}")
print(release.spec.service.port)
"""


@pytest.fixture(scope="module")
def debian(start_machine: Boot) -> Iterator[Machine]:
    """A machine where the user mood lingers and has this checkout with its test tools, and nothing of root's."""
    with start_machine() as machine:
        machine.root("loginctl enable-linger mood")
        code = run_bytes("tar", "--create", "--gzip", "--exclude=__pycache__", "--directory", ROOT, *PARTS)
        machine.as_user("mood", "mkdir checkout && tar --extract --gzip --directory checkout", given=code)
        machine.ssh("mood", f"python3 -m venv checkout/.venv && {PYTHON} -m pip install -q {NEEDS}", within=_MINUTES)
        yield machine


def test_the_contract_holds_on_systemd(debian: Machine) -> None:
    command = f"cd checkout && ../{PYTHON} -m pytest tests/contract --backend=systemd -q 2>&1"
    told = debian.ssh("mood", command, within=_MINUTES)
    assert " passed" in told
    assert "skipped" not in told.splitlines()[-1]


def test_after_a_reboot_the_current_release_runs_without_the_agent_and_without_a_visitor(debian: Machine) -> None:
    port = debian.ssh("mood", f"cd checkout && ../{PYTHON} -c '{KEPT}'").strip()
    _comes_back(debian, port, debian.reboot)
    debian.power_cut()
    _comes_back(debian, port, debian.start)


def _comes_back(machine: Machine, port: str, power: Callable[[], None]) -> None:
    power()
    running = "systemctl --user --no-legend --state=active list-units 'gitops-app@*.service'"
    machine.wait_for(lambda: machine.as_user("mood", running), "a running release after the boot")
    machine.wait_for(lambda: "--kept" in machine.as_user("mood", f"curl -sS -m 5 127.0.0.1:{port}"), "its answer")
