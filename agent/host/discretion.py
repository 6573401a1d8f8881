"""What others say, without the secrets of this VM: apps, git servers and installers may repeat a token they were given.

The host is the one door through which their words come in, so that plan, ledger, status and terminal never see a secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from ..errors import AgentError
from ..observed import Observed, Process
from ..paths import Paths
from ..report import Fetched
from ..status.redact import redact
from . import disk
from .known_secrets import known_secrets

P = ParamSpec("P")
T = TypeVar("T")

LONGEST = 300
"""Characters of what a process said before it ended: one line for people."""


class Discretion:
    """Knows the values of the moment: they are read anew for each use, as they are rotated."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def text(self, text: str) -> str:
        return redact(text, known_secrets(self._paths))

    def hush(self, error: AgentError) -> None:
        """The error as it is, but for them."""
        error.message, error.hint, error.evidence = map(self.text, (error.message, error.hint, error.evidence))
        error.args = (error.message,)

    def fetched(self, fetched: Fetched) -> Fetched:
        if fetched.error:
            self.hush(fetched.error)
        return fetched

    def observed(self, observed: Observed) -> Observed:
        """Also what was written down when a value was not known for a secret yet."""
        failure, paused, building = observed.failure, observed.paused, observed.building
        return replace(
            observed,
            processes=tuple(self._process(each) for each in observed.processes),
            rejected={key: replace(each, message=self.text(each.message)) for key, each in observed.rejected.items()},
            failure=replace(failure, message=self.text(failure.message)) if failure else None,
            building=replace(building, doing=self.text(building.doing)) if building else None,
            paused=replace(paused, reason=self.text(paused.reason)) if paused else None,
        )

    def _process(self, process: Process) -> Process:
        ready, live = process.readiness, process.liveness
        return replace(
            process,
            said=_cut(self.text(process.said)),  # in this order: half a secret is not known again
            readiness=replace(ready, message=self.text(ready.message)) if ready else None,
            liveness=replace(live, message=self.text(live.message)) if live else None,
        )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


class _Host(Protocol):
    discretion: Discretion


H = TypeVar("H", bound=_Host)


def discreet(method: Callable[Concatenate[H, P], T]) -> Callable[Concatenate[H, P], T]:
    """The method of a host, whose AgentErrors hold no secret of this VM. A full disk is such an error as well."""

    @wraps(method)
    def speak(host: H, /, *arguments: P.args, **options: P.kwargs) -> T:
        try:
            with disk.told():
                return method(host, *arguments, **options)
        except AgentError as error:
            host.discretion.hush(error)
            raise

    return speak
