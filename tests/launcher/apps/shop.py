"""A Flask app, and a module beside it whose name is also one of the launcher's."""

import os
import threading
import time

import control
from flask import Flask, Response, request, stream_with_context

app = Flask(__name__)
together = threading.Barrier(8)


@app.get("/")
def root() -> dict[str, object]:
    return {"pid": os.getpid(), "control": control.WHOSE, "name": request.args.get("name")}


@app.get("/slow")
def slow() -> dict[str, int]:
    time.sleep(float(request.args.get("seconds", "0.02")))
    return {"pid": os.getpid()}


@app.get("/meet")
def meet() -> str:
    together.wait(20)
    return "met"


@app.post("/size")
def size() -> str:
    return str(len(request.get_data()))


@app.get("/events")
def events() -> Response:
    def numbers():
        for number in range(int(request.args["count"])):
            yield f"data: {number}\n\n"
            time.sleep(0.1)
        yield "event: end\n\n"

    return Response(stream_with_context(numbers()), mimetype="text/event-stream")
