"""Which of the launched releases accepts on the shared socket: asked of their launchers, and told to them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

from ..errors import Reason, Transient
from ..launcher import ACCEPTING, CONTROL
from ..names import ReleaseId
from ..paths import Paths
from .unix import connected

_DEADLINE = timedelta(seconds=2)
_ACCEPT = timedelta(
    seconds=5
)  # it may wait a second for the release before it, and one for the page that answered visitors
_LONGEST = 4096  # bytes of an answer


class Traffic:
    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def accepts(self, release: ReleaseId) -> bool | None:
        """None while it does not say: it is not up yet, or hangs."""
        try:
            return self._tell(release, "state") == ACCEPTING
        except OSError:
            return None

    def hand_over(self, release: ReleaseId, others: Iterable[ReleaseId]) -> None:
        """It accepts from now on, and the others do no more; what they have begun they finish.

        The two follow each other at once: sessions of Gradio live in one process, and where both accept they are torn
        apart (measured: 9 of 386 calls failed in three seconds). Raises Transient where it does not begin to accept.
        """
        others = tuple(others)
        elder = next((str(self._paths.private(other)) for other in others if self.accepts(other)), "")
        self._accept(release, elder)
        for other in others:
            with suppress(OSError):  # one that hangs accepts nothing; it is stopped like any other
                self._tell(other, "rest")

    def _accept(self, release: ReleaseId, elder: str) -> None:
        """Raises Transient where it does not. One that has not answered in time may be at it all the same."""
        try:
            said = self._tell(release, f"accept {elder}".strip(), _ACCEPT)
        except OSError as error:
            if self.accepts(release):
                return
            raise Transient(
                Reason.SERVICE_MANAGER_FAILED, f"the launcher of {release} does not answer: {error}"
            ) from error
        if said != ACCEPTING:
            raise Transient(Reason.SERVICE_MANAGER_FAILED, f"the launcher of {release} does not accept: {said}")

    def _tell(self, release: ReleaseId, word: str, within: timedelta = _DEADLINE) -> str:
        with closing(connected(self._control(release), within)) as connection:
            connection.sendall(f"{word}\n".encode())
            with connection.makefile("rb") as answers:
                return answers.readline(_LONGEST).decode(errors="replace").strip()

    def _control(self, release: ReleaseId) -> Path:
        return self._paths.private(release) / CONTROL
