"""The ssh command that git is given: one key, pinned hosts, nothing of the user's own configuration, never a question."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

from . import command, files
from .transport import Remote

_SOCKET_NAME = 107  # bytes, unix(7)
_SUFFIX = 17  # ssh listens on NAME.<16 random letters> first, then renames it
_OPTIONS = (
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "PermitLocalCommand=no",
)


def argv(remote: Remote) -> list[str]:
    """The command without the host. Makes `remote.runtime` when a connection is to be shared."""
    key = ["-i", str(remote.key)] if remote.key else []
    known = f"UserKnownHostsFile={_quoted(remote.known_hosts or Path('/dev/null'))}"
    return ["ssh", "-F", "none", *key, *(f"-o{option}" for option in (*_OPTIONS, known, *_sharing(remote)))]


def _quoted(path: Path) -> str:
    return f'"{path}"'  # ssh splits these options at spaces


def _sharing(remote: Remote) -> list[str]:
    socket = _socket(remote)
    if not socket:
        return ["ControlMaster=no", "ControlPath=none"]
    files.make_directory(remote.runtime)
    seconds = max(1, round(remote.persist.total_seconds()))
    return ["ControlMaster=auto", f"ControlPath={_quoted(socket)}", f"ControlPersist={seconds}"]


def _socket(remote: Remote) -> Path | None:
    """Where the shared connection listens; None without one, or where `runtime` is too long for a Unix socket's name.

    Named by the credentials as they are now: a new key or a newly pinned host never rides on an old connection.
    """
    if not remote.persist or remote.protocol != "ssh":
        return None
    facts = (remote.url, *map(_stamp, (remote.key, remote.known_hosts)))
    digits = Random("\0".join(facts)).getrandbits(48)  # noqa: S311 - a name; seeded by SHA-512; hashlib would cost the daemon 3 MB of OpenSSL
    socket = remote.runtime / f"ssh-{digits:012x}"
    return socket if len(bytes(socket)) + _SUFFIX <= _SOCKET_NAME else None


def _stamp(path: Path | None) -> str:
    return f"{path}:{path.stat().st_mtime_ns}" if path and path.exists() else f"{path}"


def disconnect(remote: Remote) -> None:
    """End the shared connection, if there is one."""
    socket = _socket(remote)
    if socket and socket.exists():
        stop = ["ssh", "-F", "none", f"-oControlPath={_quoted(socket)}", "-O", "exit", "shared"]
        command.run(stop, deadline=timedelta(seconds=5))
