"""A package index on this machine that remembers what was fetched, with packages made up for the test."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from zipfile import ZipFile


@dataclass(slots=True)
class Index:
    """`fetched`: the names of the wheels that somebody has downloaded, in the order they were asked for; `asked`: all else."""

    url: str = ""
    wheels: dict[str, bytes] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def add(self, name: str, version: str, *needs: str, files: Mapping[str, bytes] | None = None) -> None:
        stem = f"{name.replace('-', '_')}-{version}"
        self.wheels[f"{stem}-py3-none-any.whl"] = wheel(name, version, *needs, files=files)

    def pinned(self, name: str, version: str) -> str:
        """A line of a lock."""
        data = self.wheels[f"{name.replace('-', '_')}-{version}-py3-none-any.whl"]
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(data).hexdigest()}\n"


def wheel(name: str, version: str, *needs: str, files: Mapping[str, bytes] | None = None) -> bytes:
    """A pure package; its one module has its name unless `files` say otherwise."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    content = {
        **(files or {f"{module}.py": b"HERE = True\n"}),
        f"{info}/METADATA": _metadata(name, version, *needs),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*content, f"{info}/RECORD"))
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        for path, data in {**content, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(path, data)
    return packed.getvalue()


def _metadata(name: str, version: str, *needs: str) -> bytes:
    lines = (
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {each}" for each in needs),
    )
    return "".join(f"{line}\n" for line in lines).encode()


@contextmanager
def serving() -> Iterator[Index]:
    """PEP 503, with the metadata beside the wheels (PEP 658): whoever only resolves downloads none."""
    index = Index()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self._simple() if self.path.startswith("/simple/") else self._file()
            self.send_response(404 if body is None else 200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def _simple(self) -> bytes | None:
            index.asked.append(self.path)
            prefix = self.path.split("/")[2].replace("-", "_") + "-"
            names = [each for each in index.wheels if each.startswith(prefix)]
            line = '<a href="/files/{0}" data-dist-info-metadata="true">{0}</a>\n'
            return "".join(line.format(each) for each in names).encode() if names else None

        def _file(self) -> bytes | None:
            name = self.path.rpartition("/")[2].replace("%2B", "+")
            if name.endswith(".metadata"):
                index.asked.append(self.path)
                packed = index.wheels[name.removesuffix(".metadata")]
                with ZipFile(BytesIO(packed)) as archive:
                    return archive.read(next(each for each in archive.namelist() if each.endswith("/METADATA")))
            index.fetched.append(name)
            return index.wheels.get(name)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        index.url = f"http://127.0.0.1:{server.server_port}/simple"
        yield index
        server.shutdown()
