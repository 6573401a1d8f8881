"""`gitops-vm wait`: until what was pushed is live, or has failed."""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.agent.conftest import Setup
from tests.localvm import server
from tests.process import Background, Failed
from tests.waiting import wait_for

UNHEARD_OF = "0123456789abcdef"


def test_it_ends_once_the_revision_is_live_and_fails_with_one_that_is_rejected(deployed: Setup) -> None:
    vm, repo, remote = deployed
    second = repo.deploy("two", {"notes.txt": "x"})

    said = vm.gitops("wait", second)
    assert vm.get() == second
    assert said.startswith(f"current  vm-1  main@sha1:{second[:8]}  ReconciliationSucceeded: ")
    (told,) = json.loads(vm.gitops("wait", "--remote", str(remote), "--host", "vm-1", "--json", second[:12]))
    assert (told["verdict"], told["revision"]) == ("current", f"main@sha1:{second}")

    sick = repo.deploy("sick", {"server.py": server(500)})
    with pytest.raises(Failed) as failed:
        vm.gitops("wait", sick)
    assert (failed.value.code, failed.value.out.split()[0]) == (1, "failed")
    assert vm.code("wait", second) == 0, "what became of it stays true"


def test_at_the_timeout_it_says_what_is_still_missing(deployed: Setup) -> None:
    vm, _, remote = deployed

    assert vm.code("wait", "--timeout", "1s", UNHEARD_OF) == 2
    assert vm.code("wait", "--timeout", "1s", "--remote", str(remote), UNHEARD_OF) == 2
    assert vm.code("wait", "--timeout", "1s", "--remote", str(remote), "--host", "vm-9") == 3
    vm.stop()
    with pytest.raises(Failed, match=r"unknown  vm-1 .*the agent does not run here") as failed:
        vm.gitops("wait", "--timeout", "1s")
    assert failed.value.code == 3


def test_interrupted_it_leaves_nothing_behind_and_says_nothing_of_python(deployed: Setup, tmp_path: Path) -> None:
    vm, log, scratch = deployed.vm, tmp_path / "said", tmp_path / "scratch"
    scratch.mkdir()
    argv = (sys.executable, "-m", "agent", "wait", "--remote", str(deployed.remote), UNHEARD_OF)
    waiting = Background(*argv, log=log, env={**vm.environment, "TMPDIR": str(scratch)})
    wait_for(lambda: any(scratch.iterdir()), "a look at the branch")

    os.kill(waiting.pid, signal.SIGINT)

    assert waiting.wait(timedelta(seconds=10)) == 130
    assert log.read_text() == ""
    assert not any(scratch.iterdir())
