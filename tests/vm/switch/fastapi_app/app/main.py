import asyncio
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

VERSION = "1"

app = FastAPI()


@app.get("/")
async def index() -> dict[str, str]:
    return {"hello": "world", "version": VERSION}


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/events")
async def events() -> StreamingResponse:
    async def tell() -> AsyncIterator[str]:
        for number in range(40):
            yield f"data: {number} of version {VERSION}\n\n"
            await asyncio.sleep(0.1)
        yield "event: end\ndata: that is all\n\n"

    return StreamingResponse(tell(), media_type="text/event-stream")
