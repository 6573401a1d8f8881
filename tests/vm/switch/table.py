"""What was measured of each app, as the table of docs/acceptance.md."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from tests.load.report import Outcome
from tests.vm.switch.rollouts import Deploy, at_the_switches, first_answer, in_rollouts, outage, quiet, slowest

HEAD = """\
# Deploys under load

Measured by `make acceptance`: each app as its author wrote it, on a Debian 12 whose systemd is PID 1, with visitors that never pause
(new connections, kept connections, streams, Gradio's queue). Each deploy is a push of a changed line. A request has failed when it was
refused, reset, cut, not answered 200, or took longer than 2 s. "slowest" is the longest answer, of a stream its longest
silence: within a second of the switches, in the rollouts from push to confirmation, and without any rollout. The
control is the same app under the same load in a plain unit, restarted by hand: a run in which that fails nothing is void.

| app | deploys | requests | failed | slowest at the switch | in the rollout | without one | push to live | nobody answered for |
|---|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Times in milliseconds, but for `live` and `outage` in seconds: medians."""

    app: str
    deploys: int
    requests: int
    failed: int
    switch: float
    rollout: float
    quiet: float
    live: float
    outage: float

    def __str__(self) -> str:
        times = " | ".join(f"{each:.0f} ms" for each in (self.switch, self.rollout, self.quiet))
        counts = f"{self.app} | {self.deploys} | {self.requests} | {self.failed}"
        return f"| {counts} | {times} | {self.live:.1f} s | {self.outage:.2f} s |"


def row(name: str, outcome: Outcome, deploys: list[Deploy]) -> Row:
    return Row(
        app=name,
        deploys=len(deploys),
        requests=len(outcome.shots),
        failed=len(outcome.failed),
        switch=slowest(at_the_switches(outcome, deploys)),
        rollout=slowest(in_rollouts(outcome, deploys)),
        quiet=slowest(quiet(outcome, deploys)),
        live=statistics.median(first_answer(outcome, each.mark) - each.pushed for each in deploys),
        outage=statistics.median(outage(outcome, each) for each in deploys),
    )


def written(rows: list[Row | str]) -> str:
    """A row that is no Row is a line below the table."""
    table = "".join(f"{each}\n" for each in rows if isinstance(each, Row))
    return HEAD + table + "".join(f"\n{each}\n" for each in rows if isinstance(each, str))
