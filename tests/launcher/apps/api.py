"""A FastAPI app that shows what it sees, and takes as long as it is told to."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    asyncio.get_running_loop()
    yield
    print("the lifespan has ended", flush=True)  # noqa: T201


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def root() -> dict[str, object]:
    return {"pid": os.getpid(), "argv": sys.argv, "path": sys.path[0], "environment": sorted(os.environ)}


@app.get("/slow")
async def slow(seconds: float = 0.02) -> dict[str, int]:
    await asyncio.sleep(seconds)
    return {"pid": os.getpid()}


@app.get("/later")
async def later(path: str) -> None:
    def write() -> None:
        time.sleep(1.5)
        Path(path).touch()

    asyncio.get_running_loop().run_in_executor(None, write)


@app.get("/events")
async def events(count: int, pause: float = 0.1) -> StreamingResponse:
    async def numbers() -> AsyncIterator[str]:
        for number in range(count):
            yield f"data: {number}\n\n"
            await asyncio.sleep(pause)
        yield "event: end\n\n"

    return StreamingResponse(numbers(), media_type="text/event-stream")


@app.get("/modules")
async def modules() -> dict[str, str]:
    names = ("uvicorn", "h11", "click", "a2wsgi", "sdnotify")
    return {name: str(getattr(sys.modules.get(name), "__file__", "")) for name in names}


@app.websocket("/echo")
async def echo(connection: WebSocket) -> None:
    await connection.accept()
    async for text in connection.iter_text():
        await connection.send_text(text)


def create() -> FastAPI:
    return app


async def bare(scope, receive, send) -> None:
    assert scope["type"] == "http"  # knows no lifespan, as many small apps
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"bare"})


def lying() -> FastAPI:
    raise ValueError("nothing\nREADY=1\nREADY=1 or not")


def broken_start() -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        raise RuntimeError("the database is not there")
        yield

    return FastAPI(lifespan=lifespan)


async def nodelay(scope, receive, send) -> None:
    """TCP_NODELAY of the one connection there is, as the kernel has it."""
    assert scope["type"] == "http"
    body = str(next(_connections()).getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def _connections() -> Iterator[socket.socket]:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers
        try:
            found = socket.socket(fileno=os.dup(int(name)))
            found.getpeername()
        except OSError:
            continue
        if found.family == socket.AF_INET:
            yield found
