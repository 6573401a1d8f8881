"""From fork to exec: how a program is started, and who belongs to it.

Not through `command`: a child here outlives every call, holds a socket at descriptor 3, knows its own pid (LISTEN_PID)
and dies with the supervisor. The supervisor has one thread, so forking it is safe.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Iterator, Mapping

from ...unit import Unit
from .. import proc

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVS = 1, 36, 38  # <linux/prctl.h>
_LISTEN_FDS_START = 3  # sd_listen_fds(3)
_CANNOT_EXEC = 203  # as systemd says it, see systemd.exec(5)
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def adopt_orphans() -> None:
    """What our children leave behind becomes our child, not init's, and can be waited for."""
    _prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def launch(unit: Unit, environ: Mapping[str, str], *, output: int, listening: int | None) -> int:
    """The pid of the new process, leader of a session of its own. What fails before exec is said on `output`, exit 203."""
    supervisor = os.getpid()
    if pid := os.fork():
        return pid
    try:
        _prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != supervisor:  # it died before the line above
            os._exit(_CANNOT_EXEC)
        _wire(output, listening)
        _become(unit, dict(environ), listening)
    except OSError as error:
        os.write(2, f"cannot start {unit.argv[0]} in {unit.cwd}: {error.strerror}\n".encode())
    finally:
        os._exit(_CANNOT_EXEC)


def _wire(output: int, listening: int | None) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if listening is not None:
        os.dup2(listening, _LISTEN_FDS_START)
        os.set_inheritable(_LISTEN_FDS_START, True)  # dup2 onto itself leaves it as it was


def _become(unit: Unit, environ: dict[str, str], listening: int | None) -> None:
    os.setsid()
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and exec would hand that on
        signal.signal(ignored, signal.SIG_DFL)
    _prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(unit.cwd)
    if listening is not None:
        environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
    if unit.watchdog:
        environ["WATCHDOG_PID"] = str(os.getpid())
    os.execve(unit.argv[0], unit.argv, environ)  # noqa: S606 - no shell is the point


def family(mark: str, session: int | None = None) -> Iterator[int]:
    """Every process that runs and was started with this `NAME=value`, or is in the session.

    The mark survives a second setsid(), the session survives a program that overwrites its environment with a title.
    """
    wanted = mark.encode()
    for pid in proc.pids():
        ours = wanted in proc.environ(pid) or (session is not None and proc.session(pid) == session)
        if ours and pid != os.getpid() and proc.is_running(pid):
            yield pid
