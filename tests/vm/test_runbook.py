"""docs/runbook.md, typed as it stands: each line of its blocks, from a laptop, in a clone, and on the VM."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.localvm import ROOT
from tests.process import Failed, run
from tests.vm.conftest import Boot
from tests.vm.product import USER, Product, files_of

BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITHIN = timedelta(minutes=4)
EXAMPLES = ("git@github.com:me/mood.git",)
"""What stands in the text for the reader's own."""


class Reader:
    """Somebody whose laptop has a checkout in ~/gitops-vm, `gitops-vm`, and a vms.ini."""

    def __init__(self, product: Product, home: Path) -> None:
        self.product, self.home = product, home
        machine = product.machine
        (home / "gitops-vm").symlink_to(ROOT)
        (home / ".config" / "gitops-vm").mkdir(parents=True)
        vms = home / ".config" / "gitops-vm" / "vms.ini"
        vms.write_text(
            f"[vm-1]\nhost = {machine.address}\nport = {machine.ssh_port}\nuser = {USER}\n"
            f"identity = {machine.key.private}\nrepo = {product.server.url('app')}\n"
            f"host-key-fingerprint = {run('ssh-keygen', '-lf', machine.known_hosts).split()[1]}\n"
            f"url = http://{machine.address}:{product.port}/\n"
        )
        (home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n")
        # ssh looks for its files in the home that /etc/passwd names. The VM's own host key is not among the laptop's:
        # bootstrap.py learns it by its fingerprint.
        (home / "ssh_config").write_text(f"UserKnownHostsFile {product.server.known_hosts}\n")
        self._program("ssh", f'exec /usr/bin/ssh -F {home}/ssh_config "$@"')
        self._program("gitops-vm", f'PYTHONPATH={ROOT} exec {ROOT}/.venv/bin/python -m agent "$@"')

    def _program(self, name: str, script: str) -> None:
        file = self.home / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def types(self, line: str, where: str) -> str:
        for example in EXAMPLES:
            line = line.replace(example, self.product.server.url("app"))
        if where == "vm":
            return self.product.machine.ssh(USER, line, within=WITHIN)
        environ = {
            "GITOPS_VM_SUDO_PASSWORD": "",
            "HOME": str(self.home),
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
        }
        folder = {"clone": self.product.repo.path, "": ROOT}[where]
        return run(
            "sh",
            "-c",
            line,
            env={**os.environ, **self.product.server.environment, **environ},
            cwd=folder,
            within=WITHIN,
        )


@pytest.fixture
def product(boot: Boot, tmp_path: Path) -> Iterator[Product]:
    machine = boot()
    machine.put(f"/etc/sudoers.d/90-{USER}", f"{USER} ALL=(ALL) NOPASSWD:ALL\n", mode=0o440)
    product = Product(machine, tmp_path / "site")
    try:
        product.push("first", files_of(product))
        product.push("second", {"notes.txt": "to be reverted\n"})
        product.install()
        product.settled()
        yield product
    finally:
        product.server.down()


def blocks() -> Iterator[tuple[str, str]]:
    """(where, line) for each command, in the order of the text."""
    for kind, where, text in BLOCK.findall((ROOT / "docs" / "runbook.md").read_text()):
        for line in text.splitlines():
            if kind == "cron":
                yield "", line.split(None, 5)[5]
            elif kind == "sh":
                yield where, line


def test_every_command_of_the_runbook_does_what_it_is_there_for(product: Product, tmp_path: Path) -> None:
    (home := tmp_path / "laptop").mkdir()
    reader = Reader(product, home)
    typed = [*blocks()]
    assert len(typed) > 30

    for where, line in typed:
        if line == "python3 bootstrap.py recover vm-1":
            product.systemctl("stop", "gitops-agent.service")
        try:
            said = reader.types(line, where)
        except Failed as failed:
            failed.add_note(f"{line}\n{failed.out}")
            raise
        if line == "git push":
            product.live(product.repo.git("rev-parse", "HEAD").strip())
        elif "recover" in line and product.agent_pid():
            assert "nothing to do" in said or "changed  service" in said

    assert product.machine.ssh(USER, "ls -A ~/.config ~/.local 2>/dev/null || true").strip() == ""
