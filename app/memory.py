"""The service's answers, kept for a while: the same text costs no second call. Failures and thoughts are never kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from .moods import Mood

ENTRIES = 512
SIZE = 1024 * 1024  # bytes of texts
LIFETIME = timedelta(hours=1)


class Memory:
    """Of one model; what was used longest ago is forgotten first. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, int, Mood]] = OrderedDict()
        self._size = 0

    def recall(self, text: str) -> Mood | None:
        if text not in self._kept:
            return None
        since, _, mood = self._kept[text]
        if self._clock() - since > LIFETIME.total_seconds():
            self._forget(text)
            return None
        self._kept.move_to_end(text)
        return replace(mood, took=timedelta(), cached=True)

    def keep(self, text: str, mood: Mood) -> Mood:
        """Gives the mood back. Only an answer of the service is worth remembering: a local one is as quick to find."""
        size = len(text.encode(errors="surrogatepass"))
        if mood.source == "api" and size <= SIZE:
            self._forget(text)
            self._kept[text] = (self._clock(), size, mood)
            self._size += size
            while self._size > SIZE or len(self._kept) > ENTRIES:
                self._forget(next(iter(self._kept)))
        return mood

    def _forget(self, text: str) -> None:
        if text in self._kept:
            _, size, _ = self._kept.pop(text)
            self._size -= size
