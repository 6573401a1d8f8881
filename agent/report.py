"""One pass, as it is told: what was wanted, what was true, what was done, what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .errors import AgentError
from .names import Revision
from .observed import Observed
from .plan import Plan
from .release import Release
from .steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What the source answered. `revision` is the newest one known, also when the last fetch failed (`error`)."""

    url: str
    ref: str
    revision: Revision | None
    at: datetime | None  # of the last fetch that succeeded
    error: AgentError | None = None
    behind: bool = False  # it named a commit that could not be brought here, and may be tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Written on every way out of a pass. `observed` is the VM after the steps."""

    at: datetime
    fetched: Fetched
    desired: Release | None
    observed: Observed
    plan: Plan | None
    done: tuple[Step, ...] = ()
    invalid: AgentError | None = None  # why the newest revision is not in force
    failure: AgentError | None = None  # of the step after the last one in `done`
