"""SSH keys for the tests, and the options of an ssh client that knows one key, one server and nothing of this user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.process import run


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKey:
    private: Path

    @classmethod
    def generate(cls, path: Path, comment: str = "tests") -> SshKey:
        path.parent.mkdir(parents=True, exist_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path)
        return cls(private=path)

    @property
    def public(self) -> str:
        """The line of an authorized_keys file, without a newline."""
        return Path(f"{self.private}.pub").read_text().strip()

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: SHA256:..."""
        return run("ssh-keygen", "-lf", f"{self.private}.pub").split()[1]


def ssh_options(key: SshKey, known_hosts: Path) -> list[str]:
    return [
        *("-F", "none", "-i", str(key.private)),
        *(f"-o{option}" for option in _OPTIONS),
        f"-oUserKnownHostsFile={known_hosts}",
    ]


_OPTIONS = (
    "IdentitiesOnly=yes",
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "LogLevel=ERROR",
)
