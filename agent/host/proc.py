"""What the kernel says of processes (proc(5)). A process may end between any two looks: then the answer is None or empty."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

_PROC = Path("/proc")
_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
_STATE, _SESSION, _STARTED, _RSS = 0, 3, 19, 21  # fields of /proc/PID/stat, counted from the one after the name
_LISTEN = "0A"


def pids() -> Iterator[int]:
    """Every process this user can see."""
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def name(pid: int) -> str:
    """The first 15 characters of its program's name."""
    with suppress(*_GONE):
        return (_PROC / str(pid) / "comm").read_text(errors="replace").strip()
    return ""


def rss(pid: int) -> int | None:
    """Bytes, resident."""
    fields = _stat(pid)
    return int(fields[_RSS]) * os.sysconf("SC_PAGE_SIZE") if fields else None


def memory(pid: int) -> int | None:
    """Bytes, resident, of it and of everything in the session it leads; pages they share count for each."""
    own = rss(pid)
    return own if own is None else own + sum(rss(each) or 0 for each in pids() if each != pid and session(each) == pid)


def start_time(pid: int) -> datetime | None:
    """When it was started, exact to a second: the kernel counts from the boot, whose time it rounds."""
    fields = _stat(pid)
    if not fields:
        return None
    since_boot = timedelta(seconds=int(fields[_STARTED]) / os.sysconf("SC_CLK_TCK"))
    return datetime.fromtimestamp(_boot_time(), UTC) + since_boot


def free_memory(meminfo: Path = _PROC / "meminfo") -> int | None:
    """Bytes that programs can have without swapping (MemAvailable); None where the kernel does not say."""
    with suppress(*_GONE):
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def is_running(pid: int) -> bool:
    """Whether it exists and has not ended (a zombie has)."""
    fields = _stat(pid)
    return bool(fields) and fields[_STATE] not in ("Z", "X")


def session(pid: int) -> int | None:
    """The process id of its session's leader."""
    fields = _stat(pid)
    return int(fields[_SESSION]) if fields else None


def environ(pid: int) -> frozenset[bytes]:
    """The `NAME=value` entries it was started with; empty for other users' processes."""
    with suppress(*_GONE):
        return frozenset((_PROC / str(pid) / "environ").read_bytes().split(b"\0"))
    return frozenset()


def listener(port: int) -> int | None:
    """A process of this user that holds a listening TCP socket on the port; None where nobody does, or somebody else."""
    return holder(listening(port))


def holder(sockets: frozenset[str]) -> int | None:
    """A process of this user that has one of these sockets open."""
    return next((pid for pid in pids() if not sockets.isdisjoint(_descriptors(pid))), None)


def is_listening(port: int) -> bool:
    """Whether anybody on this machine listens on the TCP port."""
    return bool(listening(port))


def listening(port: int) -> frozenset[str]:
    """The sockets that listen on the TCP port, as /proc/PID/fd names them."""
    return frozenset(socket for socket, where in _listening() if where == port)


def ports_of(leader: int) -> frozenset[int]:
    """The TCP ports that a process listens on, or another one of the session it leads."""
    return own_ports_of(*(pid for pid in pids() if leader in (pid, session(pid))))


def own_ports_of(*processes: int) -> frozenset[int]:
    """Those that these themselves listen on."""
    ports = dict(_listening())
    return frozenset(ports[each] for pid in processes for each in _descriptors(pid) if each in ports)


def _listening() -> Iterator[tuple[str, int]]:
    """Every listening TCP socket, and its port."""
    for table in ("tcp", "tcp6"):
        with suppress(*_GONE):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == _LISTEN:
                    yield f"socket:[{rest[5]}]", int(local.rpartition(":")[2], 16)


def _descriptors(pid: int) -> Iterator[str]:
    with suppress(*_GONE):
        for entry in (_PROC / str(pid) / "fd").iterdir():
            with suppress(*_GONE):
                yield str(entry.readlink())


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may itself hold blanks and brackets."""
    with suppress(*_GONE):
        return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return []


def _boot_time() -> int:
    lines = (_PROC / "stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("btime "))
