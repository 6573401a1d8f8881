"""A forge's API of deploy keys on the loopback, as the three references document it: paths, fields, pages and refusals.

https://docs.github.com/en/rest/deploy-keys, https://docs.gitlab.com/api/deploy_keys/, https://codeberg.org/api/swagger.
The wording of a key that is in use elsewhere is what each has answered in public bug reports.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlsplit

from tests.ports import LOOPBACK, free_port

Answer = tuple[int, dict[str, str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`flag` is `writing` for a key that may write."""

    version: str
    keys: Callable[[str], str]
    scheme: str
    limit: str
    most: int
    flag: str
    writing: bool
    unknown: object
    taken: Answer


KINDS = {
    "GitHub": Kind(
        version="v3",
        keys=lambda path: f"repos/{path}/keys",
        scheme="Bearer",
        limit="per_page",
        most=100,
        flag="read_only",
        writing=False,
        unknown={"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"},
        taken=(
            422,
            {},
            {
                "message": "Validation Failed",
                "errors": [
                    {"resource": "PublicKey", "code": "custom", "field": "key", "message": "key is already in use"}
                ],
            },
        ),
    ),
    "GitLab": Kind(
        version="v4",
        keys=lambda path: f"projects/{quote(path, safe='')}/deploy_keys",
        scheme="Bearer",
        limit="per_page",
        most=100,
        flag="can_push",
        writing=True,
        unknown={"message": "401 Unauthorized"},
        taken=(400, {}, {"message": {"deploy_key.fingerprint": ["has already been taken"]}}),
    ),
    "Forgejo": Kind(
        version="v1",
        keys=lambda path: f"repos/{path}/keys",
        scheme="token",
        limit="limit",
        most=50,
        flag="read_only",
        writing=False,
        unknown={"message": "invalid username, password or token"},
        taken=(422, {}, {"message": "Key content has been used as non-deploy key"}),
    ),
}


@dataclass
class ForgeServer:
    """The repositories `ada/app` and `ada/status`, whose keys the holder of `token` may see and add.

    `fault` answers everything, when set.

    `added` is told each new key: its line, and whether it may only read.
    """

    kind: Kind
    token: str
    added: Callable[[str, bool], None] = lambda _line, _read_only: None
    fault: Callable[[BaseHTTPRequestHandler], Answer] | None = None
    keys: list[dict[str, Any]] = field(default_factory=list)
    """Those of ada/app."""
    status_keys: list[dict[str, Any]] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)
    """Keys that are registered at another repository."""
    requests: list[str] = field(default_factory=list)
    port: int = field(default_factory=free_port)

    @property
    def api(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/api/{self.kind.version}"

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer((LOOPBACK, self.port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        if self.fault:
            return self.fault(request)
        url = urlsplit(request.path)
        if request.headers.get("Authorization") != f"{self.kind.scheme} {self.token}":
            return 401, {}, self.kind.unknown
        found = {"ada/app": self.keys, "ada/status": self.status_keys}
        there = {f"/api/{self.kind.version}/{self.kind.keys(path)}": keys for path, keys in found.items()}
        if url.path not in there:
            return 404, {}, {"message": "Not Found"}
        if request.command == "POST":
            return self._add(there[url.path], json.loads(body))
        query = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
        most = min(query.get(self.kind.limit, 30), self.kind.most)
        start = (query.get("page", 1) - 1) * most
        return 200, {}, there[url.path][start : start + most]

    def _add(self, keys: list[dict[str, Any]], wanted: dict[str, Any]) -> Answer:
        if set(wanted) != {"title", "key", self.kind.flag} or not isinstance(wanted[self.kind.flag], bool):
            return 422, {}, {"message": f"unexpected fields: {sorted(wanted)}"}
        if wanted["key"] in {each["key"] for each in (*self.keys, *self.status_keys)} | self.elsewhere:
            return self.kind.taken
        keys.append({"id": len(keys) + 1, **wanted})
        self.added(wanted["key"], wanted[self.kind.flag] != self.kind.writing)
        return 201, {}, keys[-1]


def _handler(forge: ForgeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            forge.requests.append(f"{self.command} {self.path}")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, fields, content = forge.answer(self, body)
            told = content if isinstance(content, str) else json.dumps(content)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(told.encode())), **fields}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told.encode())

        do_POST = do_GET  # noqa: N815 - the name http.server looks for

        def log_message(self, *_: object) -> None:
            """Silent: `ForgeServer.requests` has the requests."""

    return Handler
