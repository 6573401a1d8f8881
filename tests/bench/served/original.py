"""`original.py MODEL PORT`: a Gradio app as the first mood app was written: the pipeline at import, one text at a time.

Its queue lets one event in at a time (Gradio's default), and so does the lock before the plain route that is measured.
"""

from __future__ import annotations

import sys
import threading

import gradio as gr
import uvicorn
from fastapi import FastAPI
from transformers import pipeline

classify = pipeline("sentiment-analysis", model=sys.argv[1], device="cpu")
one_at_a_time = threading.Lock()


def analyze(text: str) -> str:
    found = classify(text)[0]
    return f"Label: {found['label']}\nConfidence: {found['score'] * 100:.2f}%"


with gr.Blocks() as demo:
    box = gr.Textbox(lines=3)
    gr.Button("Analyze").click(analyze, box, gr.Textbox())

app = FastAPI()


@app.post("/api/mood")
def mood(asked: dict[str, str]) -> dict[str, str]:
    with one_at_a_time:
        return {"result": analyze(asked["text"])}


@app.get("/readyz")
def ready() -> dict[str, bool]:
    return {"ready": True}


app = gr.mount_gradio_app(app, demo, path="/")
uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="warning")
