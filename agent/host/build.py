"""The process that makes one environment and fetches the models that go with it.

What it has to make lies on the disk, and so does what became of it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial

from ..errors import AgentError
from ..paths import Paths
from . import files
from .build_process import BuildProcess
from .builder import Order, dump_failure, read_order
from .discretion import Discretion
from .environment import DEADLINE, Environments
from .garbage import Garbage, with_room
from .known_secrets import environment
from .models import DEADLINE as MODELS_DEADLINE
from .models import Models

_LONGEST = 2 * (DEADLINE + MODELS_DEADLINE) + timedelta(minutes=30)
"""The kernel ends it then, whatever it hangs in: what it does (twice, with making room in between) has deadlines of its own."""

_TOKENS = ("HF_TOKEN", "HUGGING_FACE_TOKEN")

_WOKEN = "build"


class _EndedError(BaseException):
    """Somebody wants it to end."""


def make(process: BuildProcess, paths: Paths, environ: Mapping[str, str]) -> None:
    """Make what was ordered, wake the agent, and end. Told to end, it leaves nothing behind but what has come of models."""
    signal.alarm(int(_LONGEST.total_seconds()))
    signal.signal(signal.SIGTERM, _end)
    with suppress(_EndedError):
        try:
            order = read_order(process.order.read_text())
            with_room(Garbage(paths, environ), order.release.venv, lambda: _make(order, process, paths, environ))
        except AgentError as error:
            Discretion(paths).hush(error)
            files.write_volatile(process.outcome, dump_failure(error))
        else:
            process.forget()
        files.write(paths.ends / _WOKEN, "")
        return
    process.forget()


def _make(order: Order, process: BuildProcess, paths: Paths, environ: Mapping[str, str]) -> None:
    environments = Environments(paths, order.packages, environ)
    wanted = environments.resolve(order.release.spec, order.files.get)
    fetch = _fetcher(order, process, paths)
    environments.build(wanted, say=partial(files.write_volatile, process.doing))
    fetch()


def _fetcher(order: Order, process: BuildProcess, paths: Paths) -> Callable[[], None]:
    """What fetches the models that are not here. What cannot be raises AgentError now, before anything is installed."""
    models = Models(paths)
    there = models.complete()
    lacking = [model for model in order.release.spec.models if model.id not in there]
    if not lacking:
        return lambda: None
    from .hub import Fetcher, Hub  # noqa: PLC0415 - half a second, for the few builds that need it

    given = dict(environment(paths))
    token = next(filter(None, map(given.get, _TOKENS)), "")
    hub = Hub(order.packages.hub, token, str(paths.environment))
    fetcher = Fetcher(hub, models, partial(files.write_volatile, process.doing))
    return partial(fetcher.fetch, fetcher.survey(lacking))


def _end(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _EndedError
