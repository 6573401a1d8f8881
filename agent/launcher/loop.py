"""asyncio.run, for apps of others. Where they fail, nothing of theirs that hangs keeps us from telling why."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

PATIENCE = timedelta(seconds=0.5)  # after a failure, for tasks that clear up after themselves


def run(main: Coroutine[Any, Any, None]) -> None:
    """Raises what `main` raises. After a success it waits as asyncio.run does: for every task, and every thread of the loop."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(main)
    except BaseException:
        loop.run_until_complete(_cancel_all(PATIENCE.total_seconds()))
        raise  # the loop stays open: a thread that hangs may yet have an answer for it
    loop.run_until_complete(_clear_up(loop))
    asyncio.set_event_loop(None)
    loop.close()


async def _clear_up(loop: asyncio.AbstractEventLoop) -> None:
    await _cancel_all(None)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


async def _cancel_all(within: float | None) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=within)
