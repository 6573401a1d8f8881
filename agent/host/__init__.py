"""The VM, as the agent may touch it: one module for each outside thing, put together behind one Protocol in `vm.py`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the daemon and the supervisor import modules of this package: it must cost them no pydantic
    from ..errors import AgentError, Reason
    from ..names import ModelId, ReleaseId, Revision, VenvId
    from ..observed import Observed
    from ..release import Release
    from ..report import Fetched, Report


class Host(Protocol):
    """Everything outside the process. The real one is `vm.py`; the tests have one in memory.

    Every effect is idempotent and raises AgentError where it fails in a way the report can explain.
    """

    def now(self) -> datetime: ...

    def alive(self, doing: str) -> None:
        """Show progress to the daemon: its deadline for the worker starts anew."""

    def fetch(self) -> Fetched:
        """What the source has now. A failed fetch is an observation, not an error."""

    def declare(self, revision: Revision) -> Release:
        """The release that the desired-state.yaml of this revision declares. Raises Stalled where it is invalid."""

    def accepted(self) -> Release | None:
        """The release declared last that was valid: it stays in force while the newest is not, or cannot be fetched."""

    def accept(self, release: Release) -> None: ...

    def observe(self, desired: Release | None) -> Observed: ...

    def prepare(self, release: Release) -> None:
        """Begin to make its environment and to fetch its models, and return at once; what is being made is observed.

        Raises why the last try failed.
        """

    def abandon(self) -> None:
        """End what is being made, if anything is. Never raises AgentError: what cannot be ended is observed again."""

    def build(self, release: Release) -> None:
        """Put its code on the disk. Its environment and its models are whole."""

    def install_units(self, release: Release) -> None: ...

    def start(self, release: Release) -> None: ...

    def retire(self, release: ReleaseId, *, interrupts: bool = False) -> None:
        """`interrupts`: from now on nobody answers, which is written down first."""

    def promote(self, release: ReleaseId) -> None: ...

    def hand_over(self, release: ReleaseId, others: frozenset[ReleaseId]) -> None:
        """It accepts on the shared socket from now on, and the others do no more."""

    def confirm(self, release: Release) -> None: ...

    def reject(self, release: Release, reason: Reason, message: str) -> None: ...

    def prune(self, releases: frozenset[ReleaseId], venvs: frozenset[VenvId], models: frozenset[ModelId]) -> None: ...

    def failed(self, release: ReleaseId, step: str, error: AgentError) -> None:
        """Write down that a step failed, so that the plan can space the next tries."""

    def publish(self, report: Report) -> None:
        """Write the report where people read it. Never raises for a remote that does not answer."""
