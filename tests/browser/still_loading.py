"""The pages of an app that never finishes to load: argv is the port, and what it says it is doing."""

import asyncio
import sys

import uvicorn

from app.config import read
from app.engine import Engine
from app.pages import Pages


async def main() -> None:
    engine = Engine(read({}))
    engine.progress = sys.argv[2]
    await uvicorn.Server(uvicorn.Config(Pages(engine), port=int(sys.argv[1]), lifespan="off")).serve()


asyncio.run(main())
