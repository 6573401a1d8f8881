"""Releases of one app on one held socket: real processes of the launcher, as the agent's units start them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import sys
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

from agent import launcher
from tests.app.venvs import ROOT
from tests.notified import Notified

APPS = Path(__file__).parent / "apps"
ANSWER = timedelta(seconds=20)


def put_launcher(directory: Path) -> Path:
    """What the agent puts into each release: the launcher, and the packages it lends."""
    place = directory / "launcher"
    shutil.copytree(ROOT / "agent/launcher", place, ignore=shutil.ignore_patterns("__pycache__"))
    (place / launcher.SITE).mkdir()
    for name in launcher.BORROWED:
        spec = importlib.util.find_spec(name)
        assert spec
        assert spec.origin
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, place / launcher.SITE / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, place / launcher.SITE)
    return place


class Stage:
    """One address, held for as long as the test runs; `start` puts a release before it."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.launcher = put_launcher(scratch)
        self.current = scratch / "current"
        self.held = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.held.getsockname()[1]
        self._releases: list[Release] = []
        self._clients: list[TCP] = []

    def start(self, name: str, python: Path, *words: str, **options: object) -> Release:
        """`words` are KIND and TARGET. It has to be waited for (`ready`)."""
        release = Release(self, name, python, *words, **options)
        self._releases.append(release)
        return release

    def promote(self, name: str) -> None:
        aside = self.current.with_name("aside")
        aside.symlink_to(Path("releases") / name)
        aside.replace(self.current)

    def client(self) -> TCP:
        """A connection that is kept until the end of the test, or the server's will."""
        self._clients.append(TCP(self.port))
        return self._clients[-1]

    def hang_up(self) -> None:
        """All these clients leave."""
        while self._clients:
            self._clients.pop().close()

    def get(self, path: str) -> tuple[int, bytes]:
        """Through the held socket, over a connection of its own."""
        return request(TCP(self.port), path)

    def close(self) -> None:
        self.hang_up()
        for release in self._releases:
            release.close()
        self.held.close()


class Release(Notified):
    def __init__(
        self,
        stage: Stage,
        name: str,
        python: Path,
        *words: str,
        cwd: Path = APPS,
        private: Path | None = None,
        grace: float = 20,
        held: bool = True,
        **environment: str,
    ) -> None:
        self.private = private or stage.scratch / "private" / name
        shim = (sys.executable, str(ROOT / "tests/launcher/pass_socket.py"), str(stage.held.fileno()))
        arguments = ("--release", name, "--current", str(stage.current), "--private", str(self.private))
        super().__init__(
            name,
            stage.scratch,
            *(shim if held else ()),
            *(python, stage.launcher, *arguments, "--grace", str(grace), *words),
            cwd=cwd,
            pass_fds=(stage.held.fileno(),),
            **{"PYTHONPYCACHEPREFIX": str(python.parent / "pyc"), **environment},
        )

    def order(self, line: str) -> str:
        """The answer on its control socket."""
        with connect(self.private / launcher.CONTROL) as control, control.makefile("rw") as lines:
            lines.write(f"{line}\n")
            lines.flush()
            return lines.readline().strip()

    def get(self, path: str) -> tuple[int, bytes]:
        """Over its private socket."""
        return request(Unix(self.private / launcher.HTTP), path)

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)


class TCP(HTTPConnection):
    def __init__(self, port: int) -> None:
        super().__init__("127.0.0.1", port, timeout=ANSWER.total_seconds())


class Unix(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER.total_seconds())
        self._path = path

    def connect(self) -> None:
        self.sock = connect(self._path)


def connect(path: Path) -> socket.socket:
    """To a Unix socket, however deep it lies."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(ANSWER.total_seconds())
    try:
        connection.connect(f"/proc/self/fd/{directory}/{path.name}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(directory)
    return connection


def request(connection: HTTPConnection, path: str) -> tuple[int, bytes]:
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
