"""A program that is started as a service manager starts it, with a log and a notify socket (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Self

from tests.process import Background
from tests.waiting import wait_for

START = timedelta(seconds=90)  # an import of torch or gradio on a busy machine


class Notified:
    """`name` tells its files in `scratch` apart. Of the tests' environment it has only the PATH: a service starts with
    little more."""

    def __init__(
        self,
        name: str,
        scratch: Path,
        *argv: str | Path,
        cwd: Path | None = None,
        pass_fds: tuple[int, ...] = (),
        **environment: str,
    ) -> None:
        self.name = name
        self._log = scratch / f"{name}.log"
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(str(scratch / f"notify-{name}"))
        self._notices.setblocking(False)
        self._heard: list[str] = []
        given = {"PATH": os.environ["PATH"], "HOME": str(scratch), "NOTIFY_SOCKET": self._notices.getsockname()}
        self._process = Background(*argv, log=self._log, env={**given, **environment}, cwd=cwd, pass_fds=pass_fds)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def output(self) -> str:
        return self._log.read_text()

    def notices(self) -> list[str]:
        """Every line it has told systemd so far."""
        try:
            while True:
                self._heard += self._notices.recv(4096).decode().splitlines()
        except BlockingIOError:
            return self._heard

    def told(self, line: str) -> None:
        """Returns when it has told systemd so; fails when it ends before."""
        wait_for(lambda: line in self.notices() or not self.running, f"{line} from {self.name}", within=START)
        assert line in self.notices(), f"{self.name} ended first:\n{self.output}"

    def ready(self) -> Self:
        self.told("READY=1")
        return self

    def exit_code(self, within: timedelta = START) -> int:
        return self._process.wait(within)

    def close(self) -> None:
        self._process.stop()
        self._notices.close()
