"""The queue before the model: whose turn it is, what happens when it is full, and that answers reach those who asked."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.batching import Batcher, picked
from app.moods import Failure, Limits

LENGTHS = st.lists(st.integers(1, 500), min_size=1, max_size=60)


class Worker:
    """Answers each text with itself in capitals, once it is let go on; it notes what it was given."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.batches: list[list[str]] = []
        self.entered = threading.Semaphore(0)

    def __call__(self, texts: list[str]) -> list[str]:
        self.batches.append(texts)
        self.entered.release()
        assert self.go_on.wait(30)
        if any("fail" in text for text in texts):
            raise Failure("Broken", "as asked")
        return [text.upper() for text in texts]

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.entered.acquire, timeout=30)


def batcher(work: Callable[[list[str]], list[str]], **limits: float) -> Batcher[str, str]:
    return Batcher(work, Limits(**{"workers": 1, "batch": 4, **limits}), size=len)  # type: ignore[arg-type]


@given(LENGTHS, st.integers(1, 8), st.floats(1, 4))
def test_who_waits_longest_is_always_in_the_next_batch_and_nobody_unlike_is(
    lengths: list[int], batch: int, alike: float
) -> None:
    queue = list(enumerate(lengths))
    limits = Limits(workers=1, batch=batch, alike=alike)
    while queue:
        taken = picked(queue, limits, lambda item: item[1])
        assert taken[0] == queue[0]
        assert len(taken) == len(set(taken)) <= batch
        longest = max(size for _, size in taken)
        assert longest <= taken[0][1] * alike
        assert min(size for _, size in taken) >= taken[0][1] / alike
        queue = [item for item in queue if item not in taken]


@given(LENGTHS, st.integers(2, 8))
def test_the_others_in_a_batch_are_the_nearest_in_length(lengths: list[int], batch: int) -> None:
    taken = picked(list(enumerate(lengths)), Limits(workers=1, batch=batch, alike=1000), lambda item: item[1])
    nearest = sorted(abs(length - lengths[0]) for length in lengths)[:batch]
    assert sorted(abs(size - lengths[0]) for _, size in taken) == nearest


@given(st.integers(1, 40), st.integers(1, 8))
def test_a_text_that_nothing_resembles_is_served_in_its_turn_however_many_others_keep_coming(
    before: int, batch: int
) -> None:
    """As many batches as there were texts before it are the most it waits for."""
    queue = [("short", 5)] * before + [("long", 400)]
    for _ in range(before + 1):
        taken = picked([*queue], Limits(workers=1, batch=batch), lambda item: item[1])
        if ("long", 400) in taken:
            break
        for item in taken:
            queue.remove(item)
        queue += [("short", 5)] * batch
    assert ("long", 400) in taken


def test_each_gets_the_answer_to_its_own_text_though_many_ask_at_once() -> None:
    async def many() -> None:
        def slow(texts: list[str]) -> list[str]:
            return [text.upper() for text in texts]

        chance = random.Random(7)  # noqa: S311
        texts = [f"{number} " + "a" * chance.randrange(80) for number in range(400)]
        served = batcher(slow, workers=4, room=400)
        assert await asyncio.gather(*map(served.ask, texts)) == [text.upper() for text in texts]

    asyncio.run(many())


def test_texts_of_like_length_that_wait_together_are_answered_together() -> None:
    async def wait_together() -> None:
        work = Worker()
        served = batcher(work)
        first = asyncio.create_task(served.ask("first"))
        await work.has_begun()
        others = [asyncio.create_task(served.ask(text)) for text in ("a" * 10, "b" * 100, "c" * 11, "d" * 90)]
        await asyncio.sleep(0)
        work.go_on.set()
        await asyncio.gather(first, *others)
        assert work.batches == [["first"], ["a" * 10, "c" * 11], ["b" * 100, "d" * 90]]

    asyncio.run(wait_together())


def test_when_the_queue_is_full_the_next_is_told_at_once_and_when_to_come_again() -> None:
    async def fill() -> None:
        work = Worker()
        served = batcher(work, room=3)
        asked = [asyncio.create_task(served.ask("running"))]
        await work.has_begun()
        asked += [asyncio.create_task(served.ask(f"waits {number}")) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Failure) as refused:
            await served.ask("one too many")
        assert (refused.value.reason, refused.value.status, refused.value.passing) == ("Busy", 503, True)
        assert refused.value.retry_after == timedelta(seconds=1)
        work.go_on.set()
        assert await asyncio.gather(*asked) == ["RUNNING", "WAITS 0", "WAITS 1", "WAITS 2"]
        assert await served.ask("again") == "AGAIN"

    asyncio.run(fill())


def test_who_goes_away_leaves_the_queue_and_is_not_worked_for() -> None:
    async def leave() -> None:
        work = Worker()
        served = batcher(work, room=1)
        running = asyncio.create_task(served.ask("running"))
        await work.has_begun()
        gone = asyncio.create_task(served.ask("gone"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        waits = asyncio.create_task(served.ask("waits"))
        await asyncio.sleep(0)
        running.cancel()
        work.go_on.set()
        assert await waits == "WAITS"
        assert work.batches == [["running"], ["waits"]]

    asyncio.run(leave())


def test_at_the_end_all_who_still_wait_are_told_and_nobody_may_ask_any_more() -> None:
    async def end() -> None:
        work = Worker()
        served = batcher(work)
        running = asyncio.create_task(served.ask("running"))
        await work.has_begun()
        waits = asyncio.create_task(served.ask("waits"))
        await asyncio.sleep(0)
        served.close()
        for outcome in await asyncio.gather(running, waits, served.ask("late"), return_exceptions=True):
            assert isinstance(outcome, Failure)
            assert outcome.reason == "Stopping"
        work.go_on.set()
        assert work.batches == [["running"]]

    asyncio.run(end())


def test_a_failure_reaches_those_of_its_batch_only_and_the_worker_goes_on() -> None:
    async def fail() -> None:
        work = Worker()
        work.go_on.set()
        served = batcher(work, batch=1)
        outcomes = await asyncio.gather(served.ask("fail"), served.ask("fine"), return_exceptions=True)
        assert isinstance(outcomes[0], Failure)
        assert outcomes[1] == "FINE"

    asyncio.run(fail())
