"""How long nobody answered because what answered was stopped for another release: what the agent's own probes saw of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..observed import Observed
from ..report import Report
from ..running import Running, running


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Between the last question that found nobody and the first that was answered well nobody asked: hence two numbers.

    `waited`: the port was held, so that visitors waited; else they were refused.
    """

    at_least: timedelta
    at_most: timedelta
    waited: bool

    def __str__(self) -> str:
        least, most = (f"{span.total_seconds():.1f}" for span in (self.at_least, self.at_most))
        span = f"{least} to {most} s" if self.at_least and least != most else f"at most {most} s"
        return f"visitors waited for {span}" if self.waited else f"nobody answered for {span}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """`since`: what answered was told to stop. `still`: nobody answered yet. `over`: somebody answers; the outage is None
    where nobody saw it end.
    """

    since: datetime
    still: datetime | None = None
    over: bool = False
    outage: Outage | None = None


def silence(known: Silence | None, report: Report) -> Silence | None:
    """After this pass; None where none was ever seen."""
    since = report.observed.interrupted
    if since is None or (known and known.since == since and known.over):
        return known
    begun = known if known and known.since == since else Silence(since=since)
    active = running(report, report.at)
    answer = active.process.readiness if active else None
    if active is None or answer is None:
        return begun
    if not answer.ok or not _serves(active):
        return replace(begun, still=answer.at)
    return replace(begun, over=True, outage=_outage(begun, active, answer.at, report.observed))


def _serves(active: Running) -> bool:
    """A launched one answers the agent before it answers visitors."""
    return active.release.spec.launched is None or bool(active.process.accepts)


def _outage(begun: Silence, active: Running, answered: datetime, observed: Observed) -> Outage | None:
    """None where its end was long ago or is that of another process: whose memory was lost guesses nothing."""
    spec, since = active.release.spec, active.process.since
    if since < begun.since or answered - since > spec.rollout.timeout:
        return None
    last = observed.last_start
    gone = max(begun.since, last.at) if last else begun.since  # it is started once what answered is gone
    least = max(begun.still - gone, timedelta(0)) if begun.still else timedelta(0)
    return Outage(at_least=least, at_most=answered - begun.since, waited=spec.service.holds_socket)
