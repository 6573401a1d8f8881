"""The contract with systemd: the socket it holds for us (sd_listen_fds(3)) and what we tell it (sd_notify(3))."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Callable, Mapping, MutableMapping
from datetime import timedelta

import sdnotify

from .endings import Refused

FIRST_FD = 3
LONGEST = 3000  # bytes of a status: systemd reads no message of more than 4096
OURS = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET")


def listening_socket(env: Mapping[str, str]) -> socket.socket:
    """The socket we were given. Raises Refused where there is none."""
    if env.get("LISTEN_PID") != str(os.getpid()) or env.get("LISTEN_FDS") != "1":
        raise Refused("exactly one listening socket must be handed over (LISTEN_FDS=1, LISTEN_PID of this process)")
    fcntl.fcntl(FIRST_FD, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    # Made from its number it knows that it is TCP; asyncio sets TCP_NODELAY only then, and without it each small
    # answer waits 40 ms for the other side's acknowledgement.
    return socket.socket(fileno=FIRST_FD)


def withhold(env: MutableMapping[str, str]) -> None:
    """What was given to us is not handed on to the app: one that says READY=1 itself would say it too early."""
    for name in OURS:
        env.pop(name, None)


class Notices:
    """Does nothing where no service manager listens."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._systemd = sdnotify.SystemdNotifier()
        self._interval = _watchdog_interval(env)
        self.hear_out: Callable[[], None] = lambda: None  # returns once what the app has said before is passed on

    def ready(self, state: str) -> None:
        self._notify(f"READY=1\nSTATUS={state}")

    def status(self, text: str) -> None:
        """On one line, whatever its own were: each line of a message is one of its fields."""
        line = " ".join(text.split())
        self._notify(f"STATUS={line.encode(errors='replace')[:LONGEST].decode(errors='ignore')}")

    def cause(self, text: str) -> None:
        """Why it ends: the agent tells the last status of a release that has ended."""
        self.hear_out()
        self.status(text)

    def pass_on(self, name: str, value: str) -> None:
        """What a program that we have started says of itself: one line."""
        self._notify(f"{name}={value}")

    def stopping(self, state: str) -> None:
        self._notify(f"STOPPING=1\nSTATUS={state}")

    async def feed_watchdog(self) -> None:
        """To be run in the loop that serves: when that is stuck, the pings stop."""
        while self._interval is not None:
            self._notify("WATCHDOG=1")
            await asyncio.sleep(self._interval.total_seconds())

    def _notify(self, text: str) -> None:
        """In UTF-8, or systemd does not hear it; sdnotify writes Latin-1, which leaves the bytes we give it as they are."""
        self._systemd.notify(text.encode(errors="replace").decode("latin-1"))


def _watchdog_interval(env: Mapping[str, str]) -> timedelta | None:
    """How often we are to be heard of, with room to spare; None where nobody listens for it (sd_watchdog_enabled(3))."""
    if env.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()) or not env.get("WATCHDOG_USEC"):
        return None
    return timedelta(microseconds=int(env["WATCHDOG_USEC"])) / 3
