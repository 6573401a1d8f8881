"""Whose turn it is: one pass at a time is made on a VM, by the daemon's worker or by a verb that somebody typed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from ..host.build_process import BuildProcess
from ..host.lock import hold, is_held
from ..host.setup import refuse_without
from ..host.vm import VM, assemble

if TYPE_CHECKING:
    from .verbs import Call

PATIENCE = timedelta(minutes=3)
_LONG = 1.0
"""Seconds after which a person is told what takes so long."""

Say = Callable[[str], None]


class Turns:
    """`say` is told what is being done, about once a second. `first` is done once, before the first pass.

    Raises Broken where no agent was set up.
    """

    def __init__(self, call: Call, say: Say, *, polled: bool, first: Callable[[VM], None] = lambda _host: None) -> None:
        refuse_without(call.paths)  # before a lock is made: there is nothing to lock
        self._paths = call.paths
        self._environ = call.environ
        self._say = say
        self._polled = polled
        self._first: Callable[[VM], None] | None = first
        self._builder = BuildProcess(call.paths.build, call.paths.venvs)

    @contextmanager
    def __call__(self) -> Iterator[VM]:
        """The VM, for one pass. Raises Transient where somebody else does not let go of it."""
        lock = self._paths.state / "worker.lock"
        with hold(lock, patience=PATIENCE, waits=lambda who: self._say(f"waiting for gitops-vm ({who})")) as held:

            def alive(doing: str) -> None:
                held.say(doing)
                self._say(doing)

            host = assemble(self._paths, self._environ, alive=alive, polled=self._polled)
            if self._first:
                self._first(host)
                self._first = None
            yield host

    def rest(self, seconds: float) -> None:
        """So long, or until what is being built is done."""
        if self._builder.is_running:
            self._builder.wait(timedelta(seconds=seconds))
        else:
            time.sleep(seconds)

    def give_up(self) -> None:
        """What we have begun is ended with us, unless there is a daemon to go on with it."""
        if not is_held(self._paths.state / "daemon.lock"):
            self._builder.end()
            self._builder.forget()


def throttled(say: Say) -> Say:
    """At most one line a second for the same doing; a new one at once."""
    last: list[tuple[str, float]] = [("", 0.0)]

    def speak(doing: str) -> None:
        text, at = last[0]
        if doing != text or time.monotonic() - at > 1:
            last[0] = (doing, time.monotonic())
            say(doing)

    return speak


def lasting(say: Say) -> Say:
    """For a person: one line for what lasts longer than a second."""
    last: list[tuple[str, float, bool]] = [("", 0.0, False)]

    def speak(doing: str) -> None:
        text, since, said = last[0]
        if doing != text:
            last[0] = (doing, time.monotonic(), doing.startswith("waiting"))
            if doing.startswith("waiting"):
                say(doing)
        elif not said and time.monotonic() - since > _LONG:
            last[0] = (text, since, True)
            say(doing)

    return speak
