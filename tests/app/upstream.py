"""An inference service whose answers a test holds back or chooses: a real HTTP server for the real client."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE = timedelta(seconds=60)


class Upstream(ThreadingHTTPServer):
    """Answers every request with `status` and `answer` while `open` is set; `asked` counts what has arrived."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.status = 200
        self.answer: object = [[{"label": "joy", "score": 0.75}, {"label": "fear", "score": 0.25}]]
        self.headers_seen: list[str] = []
        self.open = threading.Event()
        self.open.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def asked(self) -> int:
        return len(self.headers_seen)

    def close(self) -> None:
        self.open.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.headers_seen.append(str(self.headers))
        self.server.open.wait(PATIENCE.total_seconds())
        body = self.server.answer if isinstance(self.server.answer, bytes) else json.dumps(self.server.answer).encode()
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, template: str, *values: object) -> None:
        """Silent."""
