"""The verbs: the closed set of changes the agent can make."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .errors import Reason
from .names import ModelId, ReleaseId, VenvId
from .release import Release


@dataclass(frozen=True, slots=True)
class Prepare:
    """Begin to make the environment of a release and to fetch its models, in a process of its own; or take up why that failed."""

    release: Release
    because: str


@dataclass(frozen=True, slots=True)
class Abandon:
    """End the making of what nobody wants any more, and forget it."""

    venv: VenvId
    because: str


@dataclass(frozen=True, slots=True)
class Build:
    """Put the code of a release beside its environment and its models, which are whole."""

    release: Release
    because: str


@dataclass(frozen=True, slots=True)
class InstallUnits:
    """Make the unit files on disk exactly what this release needs, and the service manager aware of them."""

    release: Release
    because: str


class Way(StrEnum):
    """How a release takes the place of what runs."""

    HANDOVER = "handover"  # it is started beside it, and gets the traffic once it is ready
    RESTART = "restart"  # what runs is stopped first
    START = "start"  # nothing runs


@dataclass(frozen=True, slots=True)
class Manner:
    way: Way
    why: str

    def __str__(self) -> str:
        return f"{self.way}: {self.why}"


NOTHING_RAN = Manner(Way.START, "nothing ran")


@dataclass(frozen=True, slots=True)
class Start:
    release: Release
    because: str
    manner: Manner = NOTHING_RAN


@dataclass(frozen=True, slots=True)
class Retire:
    """Stop the process of a release and wait until it is gone. `interrupts`: it answers until then, and nothing else does."""

    release: ReleaseId
    because: str
    interrupts: bool = False


@dataclass(frozen=True, slots=True)
class Promote:
    """Make `current` name this release: what a reboot starts."""

    release: ReleaseId
    because: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Make this release accept on the shared socket, and the others no more. They stay as they are."""

    release: Release
    others: frozenset[ReleaseId]
    because: str


@dataclass(frozen=True, slots=True)
class Confirm:
    release: Release
    because: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Never try this release again by itself."""

    release: Release
    reason: Reason
    because: str


@dataclass(frozen=True, slots=True)
class Prune:
    releases: frozenset[ReleaseId]
    venvs: frozenset[VenvId]
    models: frozenset[ModelId]
    because: str


Step = Prepare | Abandon | Build | InstallUnits | Start | Retire | Promote | HandOver | Confirm | Reject | Prune
