"""An sshd that gives a shell, as a VM does: for this process's own user, on a loopback port, with a home of its own."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from tests.gitserver import sshd
from tests.ports import LOOPBACK, free_port, ssh_banner
from tests.process import Background
from tests.sshkey import SshKey
from tests.waiting import wait_for

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
SetEnv HOME={folder}/home
UseDNS no
MaxStartups 100
LogLevel VERBOSE
"""


class ShellServer:
    def __init__(self, folder: Path) -> None:
        (folder / "home").mkdir(parents=True)
        self.port = free_port()
        self.target = f"{getpass.getuser()}@{LOOPBACK}"
        self.home = folder / "home"
        self.key = SshKey.generate(folder / "key")
        self.host_key = SshKey.generate(folder / "host_key")
        self.log = folder / "sshd.log"
        (folder / "authorized_keys").write_text(f"{self.key.public}\n")
        (folder / "sshd_config").write_text(_CONFIG.format(port=self.port, folder=folder))
        self._config = folder / "sshd_config"

    @contextmanager
    def running(self) -> Iterator[ShellServer]:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        server = Background(sshd(), "-D", "-e", "-f", self._config, log=self.log)
        try:
            wait_for(lambda: ssh_banner(self.port), f"sshd on port {self.port}", within=timedelta(seconds=10))
            yield self
        finally:
            server.stop()

    def arguments(self) -> list[str]:
        """What a person would write to reach it."""
        return [self.target, "-p", str(self.port), "-i", str(self.key.private), *self.trusted()]

    def trusted(self) -> list[str]:
        return ["--host-key-fingerprint", self.host_key.fingerprint]

    def logins(self) -> int:
        return self.log.read_text().count("Accepted publickey")
