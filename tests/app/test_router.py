"""Without an address of its own the app asks Hugging Face's router, through whatever proxy the VM has."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.app.conftest import Start

pytestmark = pytest.mark.app

TOKEN = "hf_canary3Kd8routed"  # noqa: S105


class Seen(BaseHTTPRequestHandler):
    """A proxy that lets nobody through, and a Hub that knows one kind of model."""

    server: SeenBy

    def do_CONNECT(self) -> None:
        self._note(self.path)
        self.send_error(502)

    def do_GET(self) -> None:
        self._note(self.path)
        body = json.dumps({"id": "any/model", "pipeline_tag": "text-classification"}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _note(self, asked: str) -> None:
        self.server.asked.append(asked)
        self.server.heard += str(self.headers)

    def log_message(self, template: str, *values: object) -> None:
        """Silent."""


class SeenBy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Seen)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []
        self.heard = ""


@contextmanager
def listening() -> Iterator[SeenBy]:
    with SeenBy() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_mood_is_asked_of_the_router_after_one_look_at_the_model_s_page(start: Start, api_python: Path) -> None:
    with listening() as hub, listening() as proxy:
        app = start(
            api_python, MODE="api", HF_TOKEN=TOKEN, API_MODEL="any/model", HF_ENDPOINT=hub.url, HTTPS_PROXY=proxy.url
        )
        app.reason("UpstreamDown")
        assert hub.asked == ["/api/models/any/model"]
        assert set(proxy.asked) == {"router.huggingface.co:443"}
        assert TOKEN not in proxy.heard + app.output
