"""A model hub on loopback that speaks the documented protocol, and fails as it is told to.

The bytes of large files come from another address, to which it redirects, as the real one does.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from tests.ports import LOOPBACK

COMMIT = "6cdc0aad91f5ae2e6712e91bc7b65d1cf5c05411"
_LARGE = 100_000  # bytes; what is larger is in LFS
_CHUNK = 64 * 1024


@dataclass
class Repo:
    """`files` at `commit`, which is all there is."""

    files: dict[str, bytes]
    commit: str = COMMIT
    private: bool = False
    gated: bool = False


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    range: str
    token: str


@dataclass
class Faults:
    """Asked for before each answer; change them at any time."""

    code: int = 0  # every answer has it
    cut: dict[str, int] = field(default_factory=dict)  # after so many bytes of a file the connection is cut
    cuts: float = float("inf")  # so often
    wrong: set[str] = field(default_factory=set)  # files whose last byte is another one
    hold: dict[str, int] = field(default_factory=dict)  # after so many bytes it says no more until `go_on`
    go_on: threading.Event = field(default_factory=threading.Event)


class HubServer:
    """Use it as a context manager. `token` opens what is private or gated."""

    token = "hf_" + "canary" * 5

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.faults = Faults()
        self.asked: list[Asked] = []
        self.sent: Counter[str] = Counter()  # bytes of each file
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._server.hub = self
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"
        self.elsewhere = f"http://localhost:{self._server.server_port}/cdn"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.faults.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    def fetched(self) -> list[str]:
        """The files whose bytes were asked for, in order."""
        return [each.path.rpartition("/")[2] for each in self.asked if each.path.startswith(("/cdn/", "/plain/"))]


def described(repo: str, held: Repo, *, blobs: bool) -> dict[str, Any]:
    """Sizes and digests only where they are asked for."""
    siblings: list[dict[str, Any]] = [
        {
            "rfilename": path,
            "size": len(data),
            "blobId": git_name(data),
            **({"lfs": _lfs(data)} if is_large(data) else {}),
        }
        for path, data in held.files.items()
    ]
    if not blobs:
        siblings = [{"rfilename": path} for path in held.files]
    return {"id": repo, "modelId": repo, "sha": held.commit, "private": held.private, "siblings": siblings, "tags": []}


def is_large(data: bytes) -> bool:
    return len(data) > _LARGE


def git_name(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _lfs(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 135}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: HubServer


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.server.hub.asked.append(Asked(self.command, path, self.headers.get("Range", ""), token))
        if self.server.hub.faults.code:
            return self._refuse(self.server.hub.faults.code)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/([^/]+)", path):
            return self._tell(found[1], found[2], token)
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._resolve(found[1], found[2], found[3], token)
        if found := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            return self._send(found[2], self.server.hub.repos[found[1]].files[found[2]], {})
        return self._refuse(404)

    def _repo(self, name: str, commit: str, token: str) -> Repo | None:
        held = self.server.hub.repos.get(name)
        if held is None or (held.private and token != self.server.hub.token):
            self._refuse(404 if token else 401, "RepoNotFound" if token else "")
            return None
        if held.commit != commit:
            self._refuse(404, "RevisionNotFound")
            return None
        return held

    def _tell(self, name: str, commit: str, token: str) -> None:
        if held := self._repo(name, commit, token):
            self._answer(
                200,
                json.dumps(described(name, held, blobs="blobs=true" in self.path)).encode(),
                {"Content-Type": "application/json"},
            )

    def _resolve(self, name: str, commit: str, path: str, token: str) -> None:
        held = self._repo(name, commit, token)
        if held is None:
            return None
        if held.gated and token != self.server.hub.token:
            return self._refuse(403 if token else 401, "GatedRepo")
        if path not in held.files:
            return self._refuse(404, "EntryNotFound")
        data = held.files[path]
        headers = {"X-Repo-Commit": commit, "ETag": f'"{git_name(data)}"'}
        if not is_large(data):
            return self._send(path, data, headers)
        linked = {"X-Linked-Etag": f'"{_lfs(data)["sha256"]}"', "X-Linked-Size": str(len(data))}
        return self._answer(302, b"", headers | linked | {"Location": f"{self.server.hub.elsewhere}/{name}/{path}"})

    def _send(self, path: str, data: bytes, headers: dict[str, str]) -> None:
        if path in self.server.hub.faults.wrong:
            data = data[:-1] + bytes([data[-1] ^ 1])
        begin = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(begin[1]) if begin else 0
        if first:
            headers = headers | {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"}
        self.send_response(206 if first else 200)
        for name, value in (headers | {"Content-Length": str(len(data) - first)}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self._body(path, data, first)

    def _body(self, path: str, data: bytes, first: int) -> None:
        cut = self.server.hub.faults.cut.get(path) if self.server.hub.faults.cuts > 0 else None
        stop = self.server.hub.faults.hold.get(path)
        for at in range(first, len(data), _CHUNK):
            if cut is not None and at - first >= cut:
                self.server.hub.faults.cuts -= 1
                self.close_connection = True
                return
            if stop is not None and at >= stop:
                self.wfile.flush()
                self.server.hub.faults.go_on.wait()
            piece = data[at : at + _CHUNK]
            with suppress(OSError):
                self.wfile.write(piece)
                self.server.hub.sent[path] += len(piece)

    def _refuse(self, code: int, why: str = "") -> None:
        self._answer(code, b"{}", {"X-Error-Code": why} if why else {})

    def _answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def large(size: int = 2_000_000) -> bytes:
    """Bytes that look like weights: no two pieces of them are alike."""
    return b"".join(_blocks(size))[:size]


def _blocks(size: int) -> Iterator[bytes]:
    for number in range(-(-size // 32)):
        yield hashlib.sha256(number.to_bytes(8, "big")).digest()
