"""The worker and a release on trial: it is watched, and nobody who pushes has to wait for that."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

from agent.worker import work
from tests.memory import MemoryHost, release_of, spec_of
from tests.memory.releases import ASGI

TRIED = release_of("tried", spec_of(program=ASGI, soak="30s"))


def shift(host: MemoryHost) -> timedelta | None:
    """One worker's life, on simulated time."""
    return work(
        lambda: nullcontext(host),
        sleep=lambda seconds: host.services.clock.advance(timedelta(seconds=seconds)),
        tell=lambda _: None,
    )


def test_a_worker_that_only_watches_a_trial_ends_and_the_ones_after_it_see_the_trial_to_its_end():
    host = MemoryHost()
    host.push(TRIED)

    pauses = [shift(host)]
    assert (host.current, host.ledger.confirmed) == (TRIED.id, None)
    while pauses[-1] is not None:
        assert timedelta(0) < pauses[-1] <= timedelta(seconds=5)
        host.services.clock.advance(pauses[-1])
        pauses.append(shift(host))

    assert host.ledger.confirmed == TRIED.id
    assert len(pauses) > 5
