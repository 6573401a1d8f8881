import time

from flask import Flask, Response

VERSION = "1"

app = Flask(__name__)


@app.get("/")
def index():
    return {"hello": "world", "version": VERSION}


@app.get("/events")
def events():
    def tell():
        for number in range(40):
            yield f"data: {number} of version {VERSION}\n\n"
            time.sleep(0.1)
        yield "event: end\ndata: that is all\n\n"

    return Response(tell(), mimetype="text/event-stream")
