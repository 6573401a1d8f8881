"""The contract with systemd: the socket it holds for us (sd_listen_fds(3)) and what we tell it (sd_notify(3))."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Mapping
from datetime import timedelta

import sdnotify

FIRST_FD = 3
BACKLOG = 512


def listening_socket(env: Mapping[str, str], host: str, port: int) -> socket.socket:
    """The socket we were given, else one of our own on host and port. Raises OSError when that is taken."""
    if env.get("LISTEN_PID") == str(os.getpid()) and int(env.get("LISTEN_FDS", "0")) > 0:
        fcntl.fcntl(FIRST_FD, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        return socket.socket(fileno=FIRST_FD)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.create_server((host, port), family=family, backlog=BACKLOG)
    # Made anew from its number it knows that it is TCP; asyncio sets TCP_NODELAY only then, and without it
    # each small answer waits 40 ms for the other side's acknowledgement.
    return socket.socket(fileno=bound.detach())


class Notifier:
    """Does nothing where no systemd listens."""

    def __init__(self) -> None:
        self._systemd = sdnotify.SystemdNotifier()

    def ready(self, status: str) -> None:
        self._systemd.notify(f"READY=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        self._systemd.notify(f"STATUS={status}")

    def stopping(self) -> None:
        self._systemd.notify("STOPPING=1\nSTATUS=finishing what was asked")

    def alive(self) -> None:
        self._systemd.notify("WATCHDOG=1")


def watchdog_interval(env: Mapping[str, str]) -> timedelta | None:
    """How often systemd wants to hear from us, with room to spare; None when it does not (sd_watchdog_enabled(3))."""
    if env.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()) or not env.get("WATCHDOG_USEC"):
        return None
    return timedelta(microseconds=int(env["WATCHDOG_USEC"])) / 3


async def feed_watchdog(notifier: Notifier, interval: timedelta | None) -> None:
    """From the loop that serves the requests: when it is stuck, the pings stop."""
    while interval is not None:
        notifier.alive()
        await asyncio.sleep(interval.total_seconds())
