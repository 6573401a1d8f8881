"""Asks each remote for the one ref that is tracked, and writes down what it said."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from . import heads
from .daemon_config import DaemonConfig
from .errors import AgentError
from .heads import Head
from .host import files, remote
from .host.transport import Remote
from .polling import Run, pause

log = logging.getLogger(__name__)

SECOND_ASK = 5.0
"""Seconds, or the interval where that is shorter, after which a branch that moves is asked again."""
LONGEST_HOLD = 150.0
"""Seconds. A branch that never comes to rest is followed all the same."""


class Poller:
    """`due` is when (monotonic seconds) `poll` has something to do; `hurry` makes it now."""

    def __init__(self, path: Path, *, tick: Callable[[], None]) -> None:
        self._path = path
        self._tick = tick
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._heads: dict[str, Head] = {}
        self._remotes: dict[str, Remote] = {}
        self._dues: dict[str, float] = {}
        self._runs: dict[str, Run] = {}
        self.hurry = False

    @property
    def due(self) -> float:
        return monotonic() if self.hurry else min(self._dues.values(), default=monotonic())

    @property
    def status(self) -> str:
        failing = [f"{name}: {head.message}" for name, head in self._heads.items() if head.failures]
        return "; ".join(failing) or "in step with the repository" if self._heads else "waiting for the first pass"

    def poll(self, config: DaemonConfig) -> bool:
        """Ask what is due. True when an answer differs from the last one in a way that a worker should look at."""
        self._adopt(config)
        hurry, self.hurry = self.hurry, False
        asked = [name for name, due in self._dues.items() if hurry or due <= monotonic()]
        changed = [self._ask(name, config.interval, hurry=hurry) for name in asked]
        if asked:
            files.write_volatile(self._path, heads.dump(self._heads))
        return any(changed)

    def _adopt(self, config: DaemonConfig) -> None:
        """Another url or ref is another remote: what was known of the old one is forgotten."""
        remotes = {name: Remote.from_json(fields) for name, fields in config.remotes.items()}
        for name in set(self._remotes) | set(remotes):
            if self._remotes.get(name) != remotes.get(name):
                self._heads.pop(name, None)
                self._dues.pop(name, None)
                self._runs.pop(name, None)
        self._remotes = remotes
        for name in remotes:
            self._dues.setdefault(name, monotonic())

    def _ask(self, name: str, interval: float, *, hurry: bool) -> bool:
        before = self._heads.get(name, Head())
        try:
            after = before.answered(remote.head(self._remotes[name], tick=self._tick), datetime.now(UTC))
        except AgentError as error:
            after = before.failed(error)
            if not before.failures:
                log.warning("%s: %s", name, error)
        self._dues[name] = monotonic() + pause(interval, after.failures, rng=self._rng)
        if after.failures == 0 and self._is_moving(name, after, hurry=hurry):
            self._dues[name] = monotonic() + min(interval, SECOND_ASK)
            after = replace(after, sha=before.sha)
        self._heads[name] = after
        return (before.sha, before.reason) != (after.sha, after.reason)

    def _is_moving(self, name: str, head: Head, *, hurry: bool) -> bool:
        """Whether somebody pushes one commit after the other: then the last one counts, not each that a poll happens to see."""
        run = self._runs.get(name, Run()).then(head.sha, monotonic())
        self._runs[name] = run
        return not hurry and run.moves > 1 and monotonic() - run.since < LONGEST_HOLD

    def close(self) -> None:
        """Leave nothing of ours running: ssh may hold a shared connection."""
        for each in self._remotes.values():
            remote.disconnect(each)
