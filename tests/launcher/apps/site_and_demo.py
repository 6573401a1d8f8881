"""A FastAPI app with a Gradio page in it."""

import os

import gradio as gr
from demo import demo
from fastapi import FastAPI

app = FastAPI()


@app.get("/slow")
async def slow() -> dict[str, int]:
    return {"pid": os.getpid()}


gr.mount_gradio_app(app, demo, path="/demo")
