"""Apps that open a port of their own, OWN_PORT: as soon as they are loaded, or when they start."""

import os
import socket
from contextlib import asynccontextmanager

from fastapi import FastAPI


def listen() -> socket.socket:
    return socket.create_server(("127.0.0.1", int(os.environ["OWN_PORT"])))


def at_once() -> FastAPI:
    app = FastAPI()
    app.state.own = listen()
    return app


def wrapped() -> FastAPI:
    try:
        return at_once()
    except OSError as error:
        raise RuntimeError("no metrics") from error


def at_its_start() -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI):
        with listen():
            yield

    return FastAPI(lifespan=lifespan)
