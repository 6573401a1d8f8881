"""The backends with real processes: the embedded supervisor in a home of its own, and systemd's manager of this user."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

from agent.desired import parse
from agent.host import files, launcher
from agent.host.services import Services, choose
from agent.host.supervisor.client import Embedded
from agent.host.traffic import Traffic
from agent.names import VenvId, make_revision
from agent.paths import Paths, locate
from agent.release import Release, make_release
from tests.contract.harness import process_of
from tests.ports import LOOPBACK, free_port
from tests.waiting import wait_for

T = TypeVar("T")
PROGRAM = Path(__file__).with_name("program.py")
PAGE = Path(__file__).with_name("page.py")
VENV = VenvId("0123456789abcdef")
ANSWER = timedelta(seconds=20)


class RealHarness:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.paths: Paths = locate(environ, uid=os.getuid())
        self.services: Services = choose(self.paths, environ)
        self.traffic = Traffic(self.paths)
        self.made: list[Release] = []
        interpreter = self.paths.venv(VENV) / "bin" / "python"
        interpreter.parent.mkdir(parents=True, exist_ok=True)
        if not interpreter.exists():
            interpreter.symlink_to(sys.executable)

    def make_release(self, *flags: str, strategy: str = "auto", **service: Any) -> Release:
        service = {"exec": ["python", "program.py", *flags], "host": LOOPBACK, "port": free_port()} | service
        service = {key: value for key, value in service.items() if value is not None}
        service.setdefault("terminationGracePeriodSeconds", 2)
        declared = {"apiVersion": "gitops-vm/v1", "app": "trial", "service": service, "rollout": {"strategy": strategy}}
        text = json.dumps(declared)  # JSON is YAML
        revision = make_revision("main", token_hex(20))
        release = make_release(
            revision=revision, app_revision=revision, spec=parse(text.encode(), host="vm-1"), venv=VENV, secrets=""
        )
        self.paths.tree(release.id).mkdir(parents=True)
        shutil.copy(PROGRAM, self.paths.tree(release.id))
        if release.spec.launched:
            launcher.put(self.paths.launcher(release.id))
        self.made.append(release)
        return release

    def make_launched(self, *, port: int) -> Release:
        release = self.make_release(exec=None, asgi="page:app", port=port)
        shutil.copy(PAGE, self.paths.tree(release.id))
        return release

    def make_current(self, release: Release) -> None:
        files.link(self.paths.current, f"releases/{release.id}")

    def accepts(self, release: Release) -> bool | None:
        return self.traffic.accepts(release.id)

    def hand_over(self, release: Release, others: tuple[Release, ...]) -> None:
        self.traffic.hand_over(release.id, [other.id for other in others])

    def crash(self, release: Release) -> None:
        process = process_of(self, release)
        assert process
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)

    def tamper(self, release: Release) -> None:
        file = next(path for path in self._unit_files() if release.id in str(path))
        file.write_text(file.read_text() + "\n")

    def _unit_files(self) -> list[Path]:
        return [*self.paths.data.glob("supervisor/units/*.json"), *self.paths.units.glob("gitops-app@*.service.d/*")]

    def wait(self, claim: Callable[[], T], what: str) -> T:
        return wait_for(claim, what)

    def end(self) -> None:
        if isinstance(self.services, Embedded):
            self.services.shutdown()
            return
        for process in self.services.processes():
            self.services.stop(process.release)
        self.services.install(self.make_release())  # one that takes no socket: nothing is held any more
        self.services.forget(self.services.units())

    def run(self, release: Release) -> dict[str, Any]:
        """Install it, start it, and return what it answers."""
        self.services.install(release)
        self.services.start(release)
        return self.answer(release)

    def answer(self, release: Release, path: str = "/") -> dict[str, Any]:
        """What it tells of itself, asked until it answers."""
        return wait_for(lambda: ask(release, path), f"an answer of {release.id}", unless=(OSError,))


def ask(release: Release, path: str = "/") -> dict[str, Any]:
    """One question over a new connection. Raises OSError where it is refused or not answered in time."""
    connection = http.client.HTTPConnection(LOOPBACK, release.spec.service.port, timeout=ANSWER.total_seconds())
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
