"""What a test does to the VM, and when: what the status has to tell of it is known without asking the agent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.vm.product import USER, Product, condition, holds, is_ready

AGENT = "gitops-agent.service"
DATA = f"/home/{USER}/.local/share/gitops-vm"
LEARNED = (
    f"{DATA}/state/memory.json {DATA}/state/ledger.json {DATA}/state/status.json {DATA}/state/outbox {DATA}/mirrors"
)
COUNTS = """\
#!/bin/sh
# Refuses the evidence, and says so in a file: a line for each push of it.
while read -r _ _ ref; do
  case $ref in refs/heads/status/*) echo "$ref" >> {log}; exit 1 ;; esac
done
"""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """`told` is when the test had seen the verdict, `verdict` its reason."""

    revision: str
    pushed: datetime
    told: datetime
    verdict: str


@dataclass(slots=True)
class Deeds:
    """Since the agent knows nothing of any time before. Pushes are the oldest first; `heals` and so on count what was done."""

    product: Product
    pushes: list[Push] = field(default_factory=list)
    heals: int = 0
    rollbacks: int = 0
    refused: int = 0

    @property
    def newest(self) -> Push:
        return self.pushes[-1]

    def begin(self) -> None:
        """The agent forgets all it has learned, as with a lost disk, and finds what runs."""
        product, since = self.product, now()
        product.systemctl("stop", AGENT)
        product.shell(f"rm -rf {LEARNED}")
        product.repo.git("push", "--quiet", "origin", f":refs/heads/status/{product.name}")
        product.begin_anew()
        product.systemctl("start", AGENT)
        product.machine.wait_for(lambda: product.shell(f"ls {DATA}/state/status.json"), "its first word")
        product.live(product.repo.head)
        self._record(product.repo.head, since, "ReconciliationSucceeded")

    def good(self, message: str, files: Mapping[str, str | bytes]) -> None:
        since = now()
        revision = self.product.push(message, files)
        self.product.live(revision)
        self._record(revision, since, "ReconciliationSucceeded")

    def sick(self, message: str, files: Mapping[str, str | bytes]) -> None:
        """It starts, never becomes ready, and the one before returns."""
        since = now()
        revision = self.product.push(message, files)
        self.product.until(
            lambda told: (
                told["lastAttemptedRevision"].endswith(revision)
                and holds(told, "Stalled", "RevisionRejected")
                and holds(told, "Healthy")
            ),
            "the rejection",
        )
        self.rollbacks += 1
        self._record(revision, since, "HealthCheckFailed")

    def stop_the_app(self) -> None:
        """Behind the agent's back, which heals it."""
        told = self.product.status()
        healed = told["counters"]["selfHeals"] + 1
        self.product.systemctl("stop", told["service"]["unit"])
        self.product.until(lambda told: is_ready(told) and told["counters"]["selfHeals"] == healed, "a self-heal")
        self.heals += 1

    def kill_the_app(self) -> None:
        """The service manager starts it again."""
        before = self.product.version()["pid"]
        self.product.kill("KILL", before)
        self.product.until(lambda _: self.product.version()["pid"] != before, "another process")

    def restart_the_app(self) -> None:
        """As somebody who asks the agent for it: that heals nothing."""
        before = self.product.version()["pid"]
        self.product.agent("restart")
        assert self.product.version()["pid"] != before
        (told,) = (line for line in self.product.agent("events").splitlines() if "asked for a restart" in line)
        assert f": {USER} asked for a restart" in told

    @contextmanager
    def refusing(self, scratch: Path) -> Iterator[None]:
        """The remote refuses the evidence and nothing else. Afterwards it has been delivered."""
        log, hook = scratch / "refused", self.product.server.root / "app.git" / "hooks" / "pre-receive"
        hook.write_text(COUNTS.format(log=log))
        hook.chmod(0o755)
        yield
        self.product.until(lambda told: holds(told, "StatusPushFailed"), "a delivery that failed")
        hook.unlink()
        self.product.until(lambda told: not condition(told, "StatusPushFailed"), "the delivery")
        self.refused += len(log.read_text().splitlines())

    def started(self, push: Push) -> datetime | None:
        """When the service manager first began to start a release of this revision, since it was pushed."""
        lines = self.product.machine.journal(USER, "--identifier=systemd", "--output=short-unix").splitlines()
        begun = [line for line in lines if "Starting gitops-app@" in line and push.revision in line]
        times = [datetime.fromtimestamp(float(re.split(r"\s", line)[0]), UTC) for line in begun]
        return next((each for each in times if each >= push.pushed - timedelta(seconds=1)), None)

    def _record(self, revision: str, pushed: datetime, verdict: str) -> None:
        self.pushes.append(Push(revision=revision, pushed=pushed, told=now(), verdict=verdict))
