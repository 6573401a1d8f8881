"""The whole agent on this machine, as bootstrap would lay it out: a home of its own, the embedded supervisor, real git."""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from tests.ports import free_port
from tests.process import Background, Failed, descendants, is_alive, run
from tests.waiting import wait_for

ROOT = Path(__file__).parent.parent
SOON = timedelta(seconds=60)

SERVER = """\
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({code})
        self.end_headers()
        self.wfile.write(os.environ["REVISION"].encode())
    def log_message(self, *_):
        pass

print("serving", os.environ["REVISION"], flush=True)
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


def server(code: int = 200) -> str:
    """A program that answers every GET with its revision and this status."""
    return SERVER.replace("{code}", str(code))


class LocalVM:
    """`url` is the remote it follows. Use it as a context manager: its processes end with it."""

    def __init__(self, home: Path, url: str, *, environment: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.port = free_port()
        self.environment = {**os.environ, "GITOPS_VM_HOME": str(home), "PYTHONPATH": str(ROOT), **(environment or {})}
        self.daemon: Background | None = None
        self.config = home / "config"
        self.config.mkdir(parents=True)
        self.write_source(url)

    def write_source(self, url: str, *more: str) -> None:
        """`more`: further lines of YAML."""
        lines = ("apiVersion: gitops-vm/v1", "host: vm-1", f"url: {url}", *more)
        (self.config / "source.yaml").write_text("".join(f"{line}\n" for line in lines))

    def state(self, more: str = "", *, exec_: str = "python server.py") -> str:
        """A desired-state.yaml for this machine's port; quick to decide."""
        return (
            f"apiVersion: gitops-vm/v1\napp: tiny\nservice:\n  exec: {exec_}\n  host: 127.0.0.1\n  port: {self.port}\n"
            "  readinessProbe: {periodSeconds: 1, timeoutSeconds: 2}\n"
            "  livenessProbe: {periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 2}\n"
            f"sync: {{interval: 2s}}\nrollout: {{timeout: 8s, soak: 0s}}\n{more}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        run(sys.executable, "-m", "agent.host.supervisor", self.home / "supervisor", "shutdown", env=self.environment)

    def start(self) -> None:
        """The daemon, in the background."""
        argv = (sys.executable, "-m", "agent", "run")
        self.daemon = Background(*argv, log=self.home / "daemon.log", env=self.environment)

    def stop(self) -> None:
        if self.daemon:
            self.daemon.stop()
            self.daemon = None

    def kill(self) -> None:
        """kill -9 of the daemon and its worker; what it has started goes on."""
        if self.daemon:
            for pid in (self.daemon.pid, *self.processes()):
                os.kill(pid, signal.SIGKILL)
            self.daemon.stop()
            self.daemon = None

    def gitops(self, *arguments: str, within: timedelta = timedelta(minutes=2)) -> str:
        """What the verb printed. Raises Failed with its exit code."""
        return run(sys.executable, "-m", "agent", *arguments, env=self.environment, within=within)

    def code(self, *arguments: str) -> int:
        """The verb's exit code."""
        try:
            self.gitops(*arguments)
        except Failed as failed:
            return failed.code or 0
        return 0

    def get(self, path: str = "/") -> str:
        """What the app answers; empty while it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def wait_live(self, sha: str, within: timedelta = SOON) -> None:
        wait_for(lambda: self.get() == sha, f"{sha} to answer", within=within)

    @property
    def status(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.home / "state" / "status.json").read_text())
        return document

    def condition(self, kind: str) -> dict[str, Any]:
        """The condition of that type, empty when it does not exist."""
        return next((each for each in self.status["conditions"] if each["type"] == kind), {})

    def wait_condition(self, kind: str, status: str, reason: str = "", within: timedelta = SOON) -> dict[str, Any]:
        def holds() -> dict[str, Any]:
            found = self.condition(kind)
            return found if found.get("status") == status and reason in {"", found.get("reason")} else {}

        return wait_for(holds, f"{kind}={status} {reason}", within=within, unless=(OSError, ValueError))

    @property
    def app_pid(self) -> int:
        """The main process of the app."""
        for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                environ = Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            if b"server.py" in words and f"PORT={self.port}\0".encode() in environ:
                return pid
        return 0

    def processes(self) -> list[int]:
        """Of the daemon and everything below it."""
        return [each for each in descendants(self.daemon.pid) if is_alive(each)] if self.daemon else []
