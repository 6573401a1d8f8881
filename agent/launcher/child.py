"""From fork to exec, and the end: a program that takes its listening socket as systemd hands it over (sd_listen_fds(3))."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

from .service_manager import FIRST_FD

CANNOT_EXEC = 127  # as a shell and env(1) have it
OTHERWISE_HERE = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ)


class Child:
    """Runs from the start. `ended` gets its exit status, negative for a signal. One at a time, made in the running loop."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], listening: socket.socket) -> None:
        """The process has one thread: forking it is safe."""
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = loop.create_future()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        self.pid = os.fork()
        if self.pid == 0:
            _become(argv, environ, listening)
        # Each visitor costs two descriptors here. Not in the program: what uses select(2) cannot count beyond 1024.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    def terminate(self) -> None:
        if not self.ended.done():  # until it is waited for, the pid is its own
            os.kill(self.pid, signal.SIGTERM)

    def _reap(self) -> None:
        if not self.ended.done() and (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            self.ended.set_result(os.waitstatus_to_exitcode(ended[1]))


def _become(argv: Sequence[str], environ: Mapping[str, str], listening: socket.socket) -> None:
    try:
        signal.set_wakeup_fd(-1)
        for number in OTHERWISE_HERE:
            signal.signal(number, signal.SIG_DFL)
        os.dup2(listening.fileno(), FIRST_FD)  # in place of the shared socket, which it never sees
        own = {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
        if "WATCHDOG_USEC" in environ:
            own["WATCHDOG_PID"] = own["LISTEN_PID"]
        os.execvpe(argv[0], list(argv), {**environ, **own})  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.stderr.write(f"launcher: cannot start {argv[0]}: {error.strerror}\n")
        sys.stderr.flush()
    finally:
        os._exit(CANNOT_EXEC)
