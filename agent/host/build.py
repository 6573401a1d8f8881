"""The process that makes one environment. What it has to make lies on the disk, and so does what became of it."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from ..errors import AgentError
from ..paths import Paths
from . import disk, files
from .build_process import BuildProcess
from .builder import Order, dump_failure, read_order
from .discretion import Discretion
from .environment import DEADLINE, Environments

_LONGEST = DEADLINE + timedelta(minutes=10)
"""The kernel ends it then, whatever it hangs in: its installer has a deadline of its own."""

_WOKEN = "built"


class _EndedError(BaseException):
    """Somebody wants it to end."""


def make(process: BuildProcess, paths: Paths, environ: Mapping[str, str]) -> None:
    """Make what was ordered, wake the agent, and end. Told to end, it leaves nothing behind."""
    signal.alarm(int(_LONGEST.total_seconds()))
    signal.signal(signal.SIGTERM, _end)
    with suppress(_EndedError):
        try:
            with disk.told():
                _make(read_order(process.order.read_text()), process, paths, environ)
        except AgentError as error:
            Discretion(paths).hush(error)
            files.write_volatile(process.outcome, dump_failure(error))
        else:
            process.forget()
        files.write(paths.requests / _WOKEN, "")
        return
    process.forget()


def _make(order: Order, process: BuildProcess, paths: Paths, environ: Mapping[str, str]) -> None:
    environments = Environments(paths, order.packages, environ)
    wanted = environments.resolve(order.release.spec, order.files.get)
    environments.build(wanted, say=lambda doing: files.write_volatile(process.doing, doing))


def _end(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _EndedError
