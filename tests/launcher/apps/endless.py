"""An app that does not end when it is told to: `visited` with GET /WAY, it begins what hangs in that way."""

import asyncio
import time

WAYS = set()
LONG = 1000
TASKS = []


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if "/slow-shutdown" in WAYS:
            await asyncio.sleep(LONG)
        if "/blocked-shutdown" in WAYS:
            time.sleep(LONG)  # noqa: ASYNC251 - the point of it
        print("the lifespan has ended", flush=True)  # noqa: T201
        await send({"type": "lifespan.shutdown.complete"})
        return
    WAYS.add(scope["path"])
    if scope["path"] == "/task":
        TASKS.append(asyncio.ensure_future(_stubborn()))
    if scope["path"] == "/thread":
        TASKS.append(asyncio.ensure_future(asyncio.to_thread(time.sleep, LONG)))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/request":
        await asyncio.to_thread(time.sleep, LONG)
    if scope["path"] == "/stubborn-request":
        await _stubborn()
    await send({"type": "http.response.body", "body": b""})


async def _stubborn():
    while True:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            continue
