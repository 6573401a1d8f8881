"""Makes the status known: remembered and written on this VM after every pass, committed when it says something new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from ..conditions import Type, find
from ..errors import AgentError
from ..report import Report
from ..status.advance import advance
from ..status.document import document
from ..status.facts import Facts
from ..status.memory import Memory, Published
from ..status.publication import is_due, publication, significant
from ..status.redact import redact
from . import files, status_memory
from .outbox import Outbox
from .status_branch import StatusBranch

_SOON = timedelta(seconds=10)
"""A pass that follows within this time may add to the story: both are pushed together, so that no push delays a rollout."""

_STALE = timedelta(seconds=15)
"""But nothing waits longer than this: a slow start is seen while it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """`state` is the directory of status.json, which is whole without any remote, and of the memory.

    `secrets` is asked anew each time: they are rotated.
    """

    state: Path
    outbox: Outbox
    branch: StatusBranch
    secrets: Callable[[], frozenset[str]]
    tick: Callable[[], None] | None = None

    def publish(self, report: Report, facts: Facts) -> None:
        """Never raises for a remote that does not answer: what was not delivered stays in the outbox."""
        delivery, before = self.outbox.delivery, self.memory()
        if find(before.conditions, Type.FETCH_FAILED) and not report.fetched.error:
            self.outbox.hurry()  # it is the same remote that answers again, or the same network
        memory = advance(before, report, push_failure=delivery.message, push_failures=delivery.total)
        told = document(report, memory, facts)
        made = publication(told, memory.events, report.at, self.secrets())
        digest = significant(told, self.branch.place)
        files.write(self.state / "status.json", made.files["status.json"])
        if is_due(memory, digest, report.at, facts.heartbeat):
            self.outbox.put(made)
            stage = memory.progress.key if memory.progress else ""
            memory = replace(memory, published=Published(digest=digest, at=report.at, stage=stage))
        status_memory.save(self._memory, memory)
        if not more_follows(report) or self._is_stale(report.at):
            self.deliver(report.at)

    def deliver(self, now: datetime) -> None:
        """Push what waits, unless the pause after a failure is not over."""
        if not self.outbox.is_due(now):
            return
        waiting = self.outbox.waiting()
        try:
            if waiting:
                self.branch.push([*waiting.values()], dropped=self.outbox.delivery.dropped, tick=self.tick)
        except AgentError as failure:
            self.outbox.failed(redact(str(failure), self.secrets()), now)
        else:
            self.outbox.delivered([*waiting])

    def is_outdated(self) -> bool:
        """Whether the status tells of a failed delivery after which one has succeeded: only a further pass corrects it."""
        told = find(self.memory().conditions, Type.STATUS_PUSH_FAILED)
        return told is not None and not self.outbox.delivery.message

    def memory(self) -> Memory:
        return status_memory.load(self._memory)

    @property
    def _memory(self) -> Path:
        return self.state / "memory.json"

    def _is_stale(self, now: datetime) -> bool:
        oldest = next(iter(self.outbox.waiting().values()), None)
        return oldest is not None and now - oldest.at > _STALE


def more_follows(report: Report) -> bool:
    """Whether the agent is in the middle of something."""
    return report.plan is not None and report.plan.look_again is not None and report.plan.look_again < _SOON
