"""Whether inference still answers. A loop that turns proves nothing of the threads in which the model runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from .engine import Engine
from .moods import Failure

LOOKS = 3  # within the patience; counted and not timed, so that a process that was stopped for a while is not blamed

log = logging.getLogger(__name__)


async def watch(engine: Engine, patience: timedelta, hangs: Callable[[], None]) -> None:
    """Asks the model itself when nobody else did for a while, and calls `hangs` when for `patience` no answer comes."""
    answered, silent, canary = engine.answered, 0, None
    while True:
        await asyncio.sleep(patience.total_seconds() / LOOKS)
        if engine.answered != answered:
            answered, silent = engine.answered, 0
            continue
        if silent == LOOKS:
            log.critical("the model has answered nothing for %g s", patience.total_seconds())
            hangs()
            return
        silent += 1
        if canary is None or canary.done():
            canary = asyncio.create_task(_ask(engine))


async def _ask(engine: Engine) -> None:
    with suppress(Failure):  # too much to do, or stopping: what counts are answers
        await engine.canary()
