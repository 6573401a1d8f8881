"""`rollout` and `sync`: how a release replaces another, how the VM follows the repository, and how long it waits in between."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from .base import Strict
from .values import contradiction, duration_text, lasting

_DAY = timedelta(days=1)
_ANY_PAUSE = lasting(timedelta(milliseconds=100), _DAY)


def _at_least_5m(duration: timedelta | None) -> timedelta:
    return max(timedelta(minutes=5), duration or timedelta())


class Backoff(Strict):
    duration: Annotated[timedelta, _ANY_PAUSE] = timedelta(seconds=10)
    """The first pause."""
    factor: float = Field(2.0, ge=1, le=10)
    """Each pause is so many times the one before."""
    max_duration: Annotated[timedelta, _ANY_PAUSE] = Field(
        default_factory=lambda data: _at_least_5m(data.get("duration"))
    )
    """No pause is longer; 5m, or duration where that is longer."""

    @field_validator("max_duration")
    @classmethod
    def _not_shorter(cls, most: timedelta, info: ValidationInfo) -> timedelta:
        if most < info.data.get("duration", most):
            raise contradiction(f"is shorter than duration; write {duration_text(info.data['duration'])} or more")
        return most


class RestartBackoff(Backoff):
    duration: Annotated[timedelta, _ANY_PAUSE] = timedelta(seconds=2)
    """The first pause."""
    factor: float = Field(3.0, ge=1, le=10)
    """Each pause is so many times the one before."""


class Retry(Strict):
    limit: int = Field(3, ge=0, le=100)
    """So many tries after the first; then somebody is called."""
    backoff: Backoff = Backoff()
    """The pauses between them."""


class Rollback(Strict):
    enabled: bool = True
    """Return to the last good release when a new one is not healthy."""
    keep: int = Field(3, ge=1, le=20)
    """So many good releases stay on the VM."""


class Strategy(StrEnum):
    AUTO = "auto"
    HANDOVER = "handover"
    RESTART = "restart"


class Rollout(Strict):
    strategy: Annotated[Strategy, Field(strict=False)] = Strategy.AUTO
    """handover: the new release is started beside the old one and gets the port once it is ready; for gradio, asgi and wsgi, and for a program with socketActivation, which then no longer sees its visitors' addresses. restart: the old one is stopped first. auto: handover for gradio, asgi and wsgi where two copies fit into the memory and neither opens another port that the other needs."""
    timeout: Annotated[timedelta, lasting(timedelta(seconds=1), _DAY)] = timedelta(minutes=5)
    """From the start of a release to its first good answer; later it is rejected. Building is not counted."""
    soak: Annotated[timedelta, lasting(timedelta(0), _DAY)] = timedelta(seconds=30)
    """For so long after it got the port a release is on trial: one that ends, or falls ill, is rejected, and the one before it takes over again."""
    retry: Retry = Retry()
    """For causes that time may cure: network, package index, disk. Bad health is never retried."""
    rollback: Rollback = Rollback()
    """What happens to a release that is not healthy."""


class SelfHeal(Strict):
    enabled: bool = True
    """Restart the confirmed release when it no longer answers. One that was stopped is started, and units are put right, in any case."""
    backoff: RestartBackoff = RestartBackoff()
    """The pauses between restarts."""


class Sync(Strict):
    interval: Annotated[timedelta, lasting(timedelta(seconds=2), timedelta(hours=1), clamp=True)] = timedelta(
        seconds=15
    )
    """The time between two looks at the repository. Moved into 2s to 1h, so that no commit can lock the VM out."""
    self_heal: SelfHeal = SelfHeal()
    """What happens to a running release that falls ill."""
