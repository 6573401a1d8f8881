"""A program that opens its port itself, and who else may answer there: what is confirmed is the process, not the answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.agent.conftest import Setup
from tests.localvm import server
from tests.ports import free_port
from tests.process import Background
from tests.waiting import wait_for

DEAF = "import time\nwhile True: time.sleep(1)  # {}\n"


def test_one_that_binds_another_port_is_rejected_and_told_which(deployed: Setup) -> None:
    vm, repo, _ = deployed
    first, other = repo.head, free_port()

    repo.deploy("astray", {"server.py": server().replace('os.environ["PORT"]', str(other))})
    ready = vm.wait_condition("Ready", "False", "HealthCheckFailed")

    assert f"nothing answers at 127.0.0.1:{vm.port}; the process listens on port {other}" in ready["message"]
    assert f"(its own is {vm.port})" in ready["message"]
    vm.wait_live(first)


def test_an_old_process_that_answers_in_the_place_of_the_new_one_confirms_nothing(
    deployed: Setup, tmp_path: Path
) -> None:
    vm, repo, _ = deployed
    first, old = repo.head, vm.app_pid

    deaf = repo.deploy("deaf", {"server.py": DEAF.format("never binds")})
    wait_for(lambda: vm.app_pid not in {0, old}, "the new process")
    with _orphan(setup=deployed, revision=first, log=tmp_path / "orphan") as orphan:
        vm.wait_live(first)
        ready = vm.wait_condition("Ready", "False", "HealthCheckFailed")
        assert f"port {vm.port} is held by process {orphan} (python" in ready["message"]
        assert vm.status["rejectedRevisions"][0]["revision"].endswith(deaf)
        assert vm.status["lastAppliedRevision"].endswith(first)
    vm.wait_live(first)
    vm.wait_condition("Healthy", "True")


@contextmanager
def _orphan(setup: Setup, revision: str, log: Path) -> Iterator[int]:
    """Its pid: a process of the old release that nothing ended."""
    program = log.with_suffix(".py")
    program.write_text(server())
    environment = {**os.environ, "REVISION": revision, "HOST": "127.0.0.1", "PORT": str(setup.vm.port)}
    orphan = Background(sys.executable, program, log=log, env=environment)
    try:
        yield orphan.pid
    finally:
        orphan.stop()


def test_what_an_app_says_of_its_revision_is_not_asked(deployed: Setup) -> None:
    vm, repo, _ = deployed
    first = repo.head

    pushed = repo.deploy("liar", {"server.py": server().replace('os.environ["REVISION"].encode()', f'b"{first}"')})
    wait_for(lambda: vm.status["lastAppliedRevision"].endswith(pushed), "the new revision to be confirmed")

    assert vm.get() == first
    assert vm.status["activeRevision"].endswith(pushed)
