"""Apps that cannot start, each with a cause that is not easily told."""

import asyncio
import sys
import time

from speaking import say


def several_lines():
    raise ValueError("1 validation error for Settings\nMOODS\n  Field required\nsee https://errors.example.org")


def foreign():
    raise ValueError("Schlüssel fehlt → 鍵がない")


def long():
    raise ValueError("→" * 100_000)


def leaving():
    sys.exit("set MOODS\nto a number")


def chatty():
    """What it said before, though the ear of the launcher is not done with it."""
    for number in range(8):
        say(f"STATUS=loading {number}")
    raise ValueError("no moods")


async def stuck(scope, receive, send):
    """Its start fails, while a thread and a task of it hang."""
    await receive()
    tasks = [asyncio.ensure_future(asyncio.to_thread(time.sleep, 1000)), asyncio.ensure_future(_stubborn())]
    await asyncio.sleep(0.1)
    failed = f'Traceback (most recent call last):\n  File "x.py", line 1\n    x()\nValueError: no moods\n in {len(tasks)} tables'
    await send({"type": "lifespan.startup.failed", "message": failed})


async def _stubborn():
    while True:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            continue
