"""`gitops-vm --on USER@HOST`: the verbs of the VM's own agent, from a laptop."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.localvm import ROOT
from tests.ports import free_port
from tests.process import Failed, run
from tests.vm.product import USER, Product

On = Callable[..., str]


@pytest.fixture
def on(product: Product, tmp_path: Path) -> On:
    """Calls a verb on the VM; ssh is the system's own, and the VM's host key is where bootstrap.py writes it."""
    machine = product.machine
    known = tmp_path / "home" / ".config" / "gitops-vm" / "known_hosts"
    known.parent.mkdir(parents=True)
    shutil.copy(machine.known_hosts, known)
    env = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}

    vms = tmp_path / "vms.ini"
    vms.write_text(
        f"[vm-1]\nhost = {machine.address}\nport = {machine.ssh_port}\nuser = {USER}\nidentity = {machine.key.private}\n"
    )

    def call(*words: str, port: int = machine.ssh_port, named: bool = False) -> str:
        access = ("--on", f"{USER}@{machine.address}", "-p", str(port), "-i", str(machine.key.private))
        by_name = ("--vms", str(vms), "--on", "vm-1")
        return run(sys.executable, "-m", "agent", *(by_name if named else access), *words, env=env)

    return call


def test_a_verb_says_there_what_it_says_here_and_ends_with_the_same_code(product: Product, on: On) -> None:
    product.settled()

    assert json.loads(on("status", "--json"))["activeRevision"] == product.status()["activeRevision"]
    assert json.loads(on("status", "--json", named=True))["activeRevision"] == product.status()["activeRevision"]
    assert on("plan")
    assert on("logs", "-n", "3")
    with pytest.raises(Failed) as usage:
        on("plan", "--frobnicate")
    assert usage.value.code == 64


def test_a_vm_that_cannot_be_reached_is_one_line_with_what_to_type(on: On) -> None:
    with pytest.raises(Failed) as failed:
        on("status", port=free_port())

    assert failed.value.code == 3
    assert "failed; try: ssh " in failed.value.err
    assert "Traceback" not in failed.value.err


def test_a_vm_without_the_agent_is_told_apart_with_how_to_install_it(product: Product, on: On) -> None:
    program = ".local/bin/gitops-vm"
    product.shell(f"mv {program} {program}.away")
    try:
        with pytest.raises(Failed) as failed:
            on("status", "--json", named=True)
    finally:
        product.shell(f"mv {program}.away {program}")

    error = json.loads(failed.value.out)["error"]
    assert error["reason"] == "AgentUnreachable"
    assert "the agent is not installed there" in error["message"]
    assert "python3 bootstrap.py vm-1 -p " in error["hint"]
