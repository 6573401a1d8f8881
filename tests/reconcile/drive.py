"""Passes one after the other, as the worker and the daemon make them, on simulated time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from agent.reconcile import next_look, reconcile
from agent.release import Release
from agent.report import Report
from agent.steps import Build, Prepare, Prune, Start
from tests.memory import MemoryHost

INTERVAL = timedelta(seconds=15)
MOST_AT_ONCE = 12
"""More passes in one instant are a tight loop: no plan needs so many to be carried out."""


def one_pass(host: MemoryHost) -> Report:
    """A pass, and the time until the next one. Only the last report is kept."""
    report = reconcile(host)
    del host.reports[:-1]
    pause = next_look(report, at=host.now())
    host.services.clock.advance(INTERVAL if pause is None else pause)
    return report


def run(host: MemoryHost, until: datetime, *, watch: Callable[[MemoryHost], None] = lambda _: None) -> None:
    """Passes until a point in time. `watch` sees the host after each of them."""
    instant, here = host.now(), 0
    while host.now() < until:
        one_pass(host)
        watch(host)
        here = here + 1 if host.now() == instant else 0
        instant = host.now()
        assert here < MOST_AT_ONCE, f"a tight loop: {host.reports[-1].plan}"


def settle(host: MemoryHost, within: timedelta = timedelta(hours=1)) -> Report:
    """Passes until one has nothing to do and nothing to wait for. Fails if that takes longer than `within`."""
    end = host.now() + within
    while host.now() < end:
        run(host, host.now() + timedelta(microseconds=1))
        report = host.reports[-1]
        if is_settled(report):
            return report
    raise AssertionError(f"not settled within {within}: {host.reports[-1].plan}")


def is_settled(report: Report) -> bool:
    return not report.done and not report.failure and report.plan is not None and report.plan.look_again is None


def until(condition: Callable[[MemoryHost], object]) -> Callable[[MemoryHost], None]:
    """Passes until something is true of the host. It may have become true and false again in a power cut: then no more."""

    def drive(host: MemoryHost) -> None:
        while not condition(host):
            if is_settled(one_pass(host)):
                return

    return drive


def assert_runs(host: MemoryHost, release: Release) -> None:
    """What is true is what this release declares, in every field, and nothing else is there."""
    processes = host.services.processes()
    assert [each.release for each in processes] == [release.id]
    assert host.is_well(release.id)
    assert host.current == host.ledger.confirmed == release.id == host.ledger.good[-1]
    assert host.services.is_installed(release)
    assert host.services.listen == (release.spec.service.host, release.spec.service.port)
    kept = [each for each in host.ledger.good if each in host.built][-release.spec.rollout.rollback.keep :]
    assert host.built.keys() == set(kept)
    assert host.services.files.keys() <= host.built.keys()
    assert host.venvs == {each.venv for each in host.built.values()}
    assert not host.remains
    assert not host.partial
    assert host.models == {model for each in host.built.values() for model in each.models}
    assert not host.partial_models
    assert host.making is None
    assert host.ledger.failure is None
    assert host.built[release.id] == release
    assert [step for step in host.reports[-1].done if isinstance(step, Prepare | Build | Start | Prune)] == []
