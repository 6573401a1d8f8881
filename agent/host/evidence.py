"""The facts that a report does not know, gathered for it; then everything is handed to the publisher."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from .. import __version__
from ..paths import Paths
from ..release import Release
from ..report import Report
from ..running import running
from ..source import Source
from ..status.facts import Environment, Facts
from . import capabilities
from .environment import Environments
from .facts import agent_facts, installed_as, inventory
from .known_secrets import known_secrets
from .outbox import Outbox
from .posture import Posture
from .publisher import Publisher, more_follows
from .status_branch import StatusBranch
from .transport import Remote


class Evidence:
    def __init__(
        self,
        paths: Paths,
        source: Source,
        *,
        mirror: Path,
        remote: Remote,
        environments: Environments,
        tick: Callable[[], None],
    ) -> None:
        self._paths = paths
        self._source = source
        self._environments = environments
        self._machine = paths.state / "machine.json"
        self._posture = Posture(paths.state / "ssh.json", self._machine, tick=tick)
        self._outbox = Outbox(paths.outbox)
        branch = StatusBranch(mirror, remote, branch=source.status.branch, host=source.host)
        self._publisher = Publisher(
            state=paths.state, outbox=self._outbox, branch=branch, secrets=lambda: known_secrets(paths), tick=tick
        )

    def publish(self, report: Report) -> None:
        self._publisher.publish(report, self._facts(report))

    def until_next(self, pause: timedelta | None, now: datetime) -> timedelta:
        """The soonest of `pause`, the heartbeat and the next try to deliver."""
        last = self._publisher.memory().published
        wishes = [self._source.status.heartbeat if last is None else last.at + self._source.status.heartbeat - now]
        if pause is not None:
            wishes.append(pause)
        if self._outbox.waiting():
            due = self._outbox.delivery.next_try
            wishes.append(due - now if due else timedelta(0))
        if self._publisher.is_outdated():
            wishes.append(timedelta(0))
        return max(min(wishes), timedelta(seconds=1))

    def _facts(self, report: Report) -> Facts:
        active, known = running(report, report.at), capabilities.read(self._machine)
        agent = agent_facts(self._daemon(), version=__version__, revision=installed_as())
        return Facts(
            host=self._source.host,
            heartbeat=self._source.status.heartbeat,
            agent=agent,
            environment=self._environment(active.release) if active else None,
            ssh=self._posture.at(report.at, known, agent=agent.start_time, busy=more_follows(report)),
            machine=known.machine,
            inventory=inventory(self._unit_files(), self._paths.units),
            handled=self._handled(),
        )

    def _unit_files(self) -> list[Path]:
        """Units and their drop-ins; not the links that enable them."""
        units = self._paths.units
        return [*units.glob("gitops-*"), *units.glob("gitops-*.d/*")]

    def _environment(self, release: Release) -> Environment | None:
        known = self._environments.facts(release.venv)
        return Environment(python=known.python, lock=known.lock or None, packages=known.packages) if known else None

    def _daemon(self) -> int:
        """The process id of the resident; 0, of which nothing is known, where there is none."""
        try:
            return int((self._paths.state / "daemon.lock").read_text())
        except (OSError, ValueError):
            return 0

    def _handled(self) -> datetime | None:
        try:
            return datetime.fromisoformat((self._paths.state / "handled").read_text())
        except (OSError, ValueError):
            return None
