from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

from agent import daemon_config, heads
from agent.daemon_config import DaemonConfig, WatchedProbe
from agent.errors import Broken, Reason, Transient
from agent.heads import Head
from agent.polling import JITTER, SLOWEST, pause

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RNG = random.Random(1)  # noqa: S311 - jitter, not a secret


def test_polls_come_at_the_interval_with_jitter() -> None:
    pauses = [pause(15, 0, rng=RNG) for _ in range(1000)]

    assert min(pauses) >= 15 * (1 - JITTER)
    assert max(pauses) <= 15 * (1 + JITTER)
    assert max(pauses) - min(pauses) > 15 * JITTER


def test_a_remote_that_fails_is_asked_ever_less_often_but_its_return_is_seen_within_a_minute() -> None:
    means = [sum(pause(2, failures, rng=RNG) for _ in range(200)) / 200 for failures in range(40)]

    assert means[1] > 1.5 * means[0]
    assert max(means) <= SLOWEST * (1 + JITTER)
    assert pause(3600, 30, rng=RNG) <= 3600 * (1 + JITTER)


def test_a_failed_poll_keeps_the_last_good_answer() -> None:
    good = Head().answered("a" * 40, NOW)
    bad = good.failed(Transient(Reason.GIT_OPERATION_FAILED, "refused")).failed(Broken(Reason.DISK_FULL, "x", hint="y"))

    assert (bad.sha, bad.at, bad.failures) == ("a" * 40, NOW.isoformat(), 2)
    assert isinstance(bad.error, Broken)
    assert (bad.error.message, bad.error.hint) == ("x", "y")
    assert good.error is None


def test_what_the_daemon_reads_is_what_the_worker_wrote() -> None:
    seen = {"config": Head().answered("a" * 40, NOW), "app": Head().failed(Transient(Reason.DEADLINE_EXCEEDED, "x"))}
    probe = WatchedProbe(
        release="a-1", host="127.0.0.1", port=80, unix="", path="/", period=1.0, timeout=1.0, threshold=3
    )
    config = DaemonConfig(
        remotes={"config": {"url": "x"}}, interval=2.0, readiness=replace(probe, path="/readyz"), liveness=probe
    )

    assert heads.load(heads.dump(seen)) == seen
    assert daemon_config.from_json(config.to_json()) == config
