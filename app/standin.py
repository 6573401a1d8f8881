"""A stand-in for Hugging Face's inference service, to try `MODE=api` without an account or a network.

    python -m app.standin --port 8020 [--latency 0.3]        then        MODE=api API_URL=http://127.0.0.1:8020

It speaks the documented protocol (text classification; OpenAI-style chat completion), wants a token that begins with
`hf_` as the real one does, and answers with real inference: moods by the shipped tiny model, whatever model is asked for,
and thoughts from our own list by the mood of the request. A model named `fault/429` gets that HTTP status; app/faults.py
has the other names.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .config import TINY_MODEL
from .faults import misbehave
from .thoughts import own_thought

ABOUT = "stand-in for an inference service: the demo's tiny model answers, not the model that was asked for"
LONGEST_BODY = 1024 * 1024  # bytes
PATIENCE = timedelta(seconds=10)  # for a client that begins a request and does not finish it

Answer = tuple[int, Any]


class StandIn(ThreadingHTTPServer):
    """`scores` gives each label of a text its share."""

    daemon_threads = True

    def __init__(self, port: int, scores: Callable[[str], dict[str, float]], latency: timedelta = timedelta()) -> None:
        self.scores = scores
        self.latency = latency
        super().__init__(("127.0.0.1", port), Handler)

    def hold(self, headers: str) -> None:
        """Returns when the request with these headers may be answered."""
        del headers
        time.sleep(self.latency.total_seconds())

    def fault(self, path: str, body: dict[str, Any]) -> str:
        """The name of what goes wrong with this request; empty when nothing does."""
        wanted = path.partition("/models/")[2] or str(body.get("model"))
        return wanted.removeprefix("fault/") if wanted.startswith("fault/") else ""

    def answer(self, path: str, token: str, body: dict[str, Any]) -> Answer:
        if not token.startswith("Bearer hf_"):
            return 401, {"error": "Invalid username or password."}
        if path.startswith("/models/"):
            return self._classify(body)
        if path == "/v1/chat/completions":
            return self._chat(body)
        return 404, {"error": "Not Found"}

    def _classify(self, body: dict[str, Any]) -> Answer:
        if not isinstance(body.get("inputs"), str):
            return 400, {"error": "`inputs` must be a string"}
        scores = self.scores(body["inputs"])
        ranked = sorted(scores.items(), key=lambda pair: -pair[1])
        return 200, [[{"label": label, "score": score} for label, score in ranked]]

    def _chat(self, body: dict[str, Any]) -> Answer:
        try:
            asked = str(body["messages"][-1]["content"])
        except (KeyError, IndexError, TypeError):
            return 400, {"error": "`messages` must end with one that has a content"}
        scores = self.scores(asked.rpartition("feels")[2] or asked)
        mood = max(scores, key=scores.__getitem__)
        said = f'<think>They seem to feel {mood}.</think>\n\n"{own_thought(mood)}"'
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        head = {"id": "stand-in", "object": "chat.completion", "created": int(time.time()), "model": ABOUT}
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        return 200, {**head, "choices": [choice], "usage": usage}


class Handler(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer's body waits 40 ms for the acknowledgement of its head
    timeout = PATIENCE.total_seconds()

    def do_GET(self) -> None:
        self._send(200, {"about": ABOUT})

    def do_POST(self) -> None:
        self.server.hold(str(self.headers))
        length = int(self.headers.get("content-length", 0))
        if length > LONGEST_BODY:
            self.close_connection = True
            self._send(413, {"error": "too long"})
            return
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._send(400, {"error": "not a JSON object"})
            return
        with suppress(ConnectionError):  # whom it goes wrong for may hang up
            if not misbehave(self.server.fault(self.path, body), self):
                self._send(*self.server.answer(self.path, self.headers.get("authorization", ""), body))

    def _send(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-stand-in", ABOUT)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, template: str, *values: object) -> None:
        """Silent: a demo's terminal belongs to the demo."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.standin", description=ABOUT)
    parser.add_argument("--port", type=int, default=8020, help="0 takes a free one; the line printed names it")
    parser.add_argument("--latency", type=float, default=0, metavar="S", help="seconds to wait before each answer")
    options = parser.parse_args()
    from .backends.onnx import OnnxModel  # noqa: PLC0415 - the tests have a stand-in without it

    model = OnnxModel(Path(TINY_MODEL) / "model.onnx")
    server = StandIn(options.port, lambda text: model.scores([text])[0], timedelta(seconds=options.latency))
    sys.stdout.write(f"stand-in http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
