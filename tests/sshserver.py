"""A real sshd on the loopback, without root, with the settings a test gives it: for what a stranger is shown."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.gitserver import sshd
from tests.ports import LOOPBACK, free_port, ssh_banner
from tests.process import Background, run
from tests.waiting import wait_for

SSH_AUDIT = ("-m", "ssh_audit.ssh_audit", "--skip-rate-test", "--json", "--timeout=10")
_CONFIG = """\
Port {port}
ListenAddress {address}
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
UseDNS no
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sshd:
    port: int
    log: Path
    config: Path

    def settings(self) -> dict[str, str]:
        """What it says itself of its configuration, for this process's user."""
        who = f"user={getpass.getuser()},host={LOOPBACK},addr={LOOPBACK}"
        lines = run(sshd(), "-T", "-f", self.config, "-C", who).splitlines()
        return dict(line.split(" ", 1) for line in lines if " " in line)

    def asked(self) -> int:
        """How many connections it has had."""
        return self.log.read_text().count("Connection from ")


@contextmanager
def serving(folder: Path, *settings: str, keys: tuple[str, ...] = ("ed25519",), port: int = 0) -> Iterator[Sshd]:
    """`settings` are lines of sshd_config, `keys` the kinds of its host keys. It goes on in the log of the one before."""
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder.mkdir(exist_ok=True)
    server = Sshd(port=port or free_port(), log=folder / "sshd.log", config=folder / "sshd_config")
    for kind in keys:
        if not (folder / kind).exists():
            run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", folder / kind)
    lines = ["LogLevel VERBOSE", *(f"HostKey {folder}/{kind}" for kind in keys), *settings]
    common = _CONFIG.format(port=server.port, address=LOOPBACK, folder=folder)
    server.config.write_text(common + "".join(f"{line}\n" for line in lines))
    process = Background(sshd(), "-D", "-e", "-f", server.config, log=server.log)
    try:
        wait_for(lambda: ssh_banner(server.port), f"sshd on port {server.port}", within=timedelta(seconds=10))
        yield server
    finally:
        process.stop()


def audited(python: str, port: int) -> set[str]:
    """The algorithms that the real ssh-audit marks [fail] at this port of the loopback."""
    script = '"$@" || [ $? -le 3 ]'  # its exit code is a grade: 2 for warnings, 3 for failures
    said = run("sh", "-c", script, "sh", python, *SSH_AUDIT, f"--port={port}", LOOPBACK)
    found = json.loads(said)
    return {
        each["algorithm"] for kind in ("kex", "key", "enc", "mac") for each in found[kind] if each["notes"].get("fail")
    }
