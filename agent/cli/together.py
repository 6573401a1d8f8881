"""Looks at several VMs at the same time: one that hangs holds up nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Task = tuple[Item, SimpleQueue[Result | BaseException]]

MOST = 8


def together(look: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """The results in the order of the items, each as soon as it and those before it are there. Raises what a look raised.

    The threads end with the process: Ctrl-C waits for none of them.
    """
    tasks: SimpleQueue[Task[Item, Result]] = SimpleQueue()
    answers: list[SimpleQueue[Result | BaseException]] = [SimpleQueue() for _ in items]
    for task in zip(items, answers, strict=True):
        tasks.put(task)
    for _ in range(min(MOST, len(items))):
        Thread(target=_work, args=(look, tasks), daemon=True).start()
    for answer in answers:
        result = answer.get()
        if isinstance(result, BaseException):
            raise result
        yield result


def _work(look: Callable[[Item], Result], tasks: SimpleQueue[Task[Item, Result]]) -> None:
    while True:
        try:
            item, answer = tasks.get_nowait()
        except Empty:
            return
        try:
            answer.put(look(item))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            answer.put(error)
