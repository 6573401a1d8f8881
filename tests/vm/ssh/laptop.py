"""The owner's laptop: a folder with two keys, in which all its programs run, and an `ssh` that things go wrong around."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from tests.bootstrap.calling import BOOTSTRAP, Said
from tests.process import Background
from tests.sshkey import SshKey
from tests.terminal import Shown, at_a_terminal
from tests.vm.ssh.site import USER, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Shell text for before or after the call of ssh that has `at` among its words; see laptop_ssh.sh."""

    at: str
    before: str = ":"
    after: str = ":"


KILL = 'kill -9 "$laptop"; exit'
"""The command is gone, and so is the ssh it was waiting for; what that has started over there goes on."""


def quietly(command: Sequence[str]) -> str:
    """Shell text that runs it beside ssh, without its input and output."""
    return f"{shlex.join(command)} </dev/null >/dev/null"


class Laptop:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="laptop-"))
        self.entry = SshKey.generate(self.folder / "entry", "everybody's")
        self.own = SshKey.generate(self.folder / "own", "the owner's own")
        self.log = self.folder / "log"
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "ssh").symlink_to(Path(__file__).with_name("laptop_ssh.sh"))

    def bootstrap(self, site: Site, *options: str, fault: Fault | None = None, **env: str) -> Said:
        """The SSH part of it, to its end."""
        self.log.unlink(missing_ok=True)
        command = self.start(site, *options, fault=fault, **env)
        return Said(code=command.wait(timedelta(minutes=2)), text=self.log.read_text())

    def start(self, site: Site, *options: str, fault: Fault | None = None, **env: str) -> Background:
        """The same, for somebody to wait for or to kill; what it says goes to `log`."""
        words = (sys.executable, BOOTSTRAP, *self.words(site), *options)
        # Who may not become root says that there is no password to give.
        told = {} if site.has_root else {"GITOPS_VM_SUDO_PASSWORD": ""}
        environ = {**os.environ, **self._environ(fault), **told, **env}
        return Background("env", "-C", self.folder, *words, log=self.log, env=environ)

    def runs(self, *words: str, within: timedelta, **env: str) -> Said:
        """bootstrap.py with these words alone, to its end."""
        self.log.unlink(missing_ok=True)
        environ = {**os.environ, **self._environ(None), **env}
        command = Background("env", "-C", self.folder, sys.executable, BOOTSTRAP, *words, log=self.log, env=environ)
        return Said(code=command.wait(within), text=self.log.read_text())

    def typing(self, answers: Mapping[str, str], *words: str) -> Shown:
        """bootstrap.py with these words, by somebody who answers what it asks at a terminal."""
        environ = {**os.environ, **self._environ(None)}
        argv = (sys.executable, BOOTSTRAP, *words)
        return at_a_terminal(*argv, answers=answers, env=environ, cwd=self.folder, within=timedelta(minutes=2))

    def words(self, site: Site) -> tuple[str, ...]:
        """The command line, without options of ours."""
        keys = ("-i", str(self.own.private), "--entry-key", str(self.entry.private))
        known = ("--host-key-fingerprint", site.fingerprint, "--only", "ssh", "--yes")
        return (f"{USER}@{site.machine.address}", "-p", str(site.machine.ssh_port), *keys, *known)

    @property
    def faults(self) -> int:
        """How often the fault's place was reached."""
        log = self.folder / "faults"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def dies(self) -> None:
        """Every program on it ends at once: the command, its ssh, the connection they share."""
        for place in Path("/proc").glob("[0-9]*/cwd"):
            with suppress(OSError):
                if place.readlink() == self.folder:
                    os.kill(int(place.parent.name), signal.SIGKILL)

    def _environ(self, fault: Fault | None) -> dict[str, str]:
        found = {"HOME": str(self.folder), "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}
        found |= {"REAL_SSH": shutil.which("ssh") or "", "FAULT_LOG": str(self.folder / "faults")}
        if fault:
            found |= {"FAULT_AT": fault.at, "FAULT_BEFORE": fault.before, "FAULT_AFTER": fault.after}
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dies()
        shutil.rmtree(self.folder)
