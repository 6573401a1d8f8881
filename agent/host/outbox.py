"""States that are not on the status branch yet: files on disk, outside the mirror, so that no outage and no crash loses them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..status.publication import Publication
from . import files

MOST = 200
"""Waiting states that are kept; the oldest go first and are counted."""

_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How delivering goes: what failed in a row, and what went wrong last (empty after a success)."""

    failures: int = 0
    total: int = 0  # failures since the agent was installed
    dropped: int = 0  # states lost since the last delivery
    message: str = ""
    next_try: datetime | None = None


_PUBLICATION = TypeAdapter(Publication)
_DELIVERY = TypeAdapter(Delivery)


class Outbox:
    """One directory: `<number>.json` for each waiting state, `delivery.json` for how it goes. One writer at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._delivery = directory / "delivery.json"

    @property
    def delivery(self) -> Delivery:
        try:
            return _DELIVERY.validate_json(self._delivery.read_bytes())
        except (OSError, ValidationError):
            return Delivery()

    def put(self, publication: Publication) -> None:
        """Durable when it returns."""
        waiting = self._waiting()
        number = int(waiting[-1].stem) + 1 if waiting else 1
        files.write(self._directory / f"{number:012d}.json", _PUBLICATION.dump_json(publication))
        for path in waiting[: max(0, len(waiting) + 1 - MOST)]:
            self._write(replace(self.delivery, dropped=self.delivery.dropped + 1))
            path.unlink()

    def waiting(self) -> dict[Path, Publication]:
        """Oldest first. What cannot be read is removed: it could never be delivered."""
        found: dict[Path, Publication] = {}
        for path in self._waiting():
            try:
                found[path] = _PUBLICATION.validate_json(path.read_bytes())
            except ValidationError:
                path.unlink()
        return found

    def is_due(self, now: datetime) -> bool:
        """Something waits, and the pause after the last failure is over (also when the clock was set back)."""
        pause = self.delivery.next_try
        return bool(self._waiting()) and (pause is None or not now < pause <= now + 2 * _LONGEST_PAUSE)

    def delivered(self, paths: list[Path]) -> None:
        self._write(Delivery(total=self.delivery.total))
        for path in paths:
            path.unlink(missing_ok=True)

    def failed(self, message: str, now: datetime) -> None:
        """The next try waits: twice as long each time, up to 15 minutes, and up to half as long again.

        Without that half, all VMs would come back to a forge at once.
        """
        last = self.delivery
        pause = min(_FIRST_PAUSE * 2 ** min(last.failures, 16), _LONGEST_PAUSE) * random.uniform(1, 1.5)  # noqa: S311 - not a secret
        self._write(
            replace(last, failures=last.failures + 1, total=last.total + 1, message=message, next_try=now + pause)
        )

    def hurry(self) -> None:
        """The next try waits no longer: there is reason to think that it succeeds."""
        if self.delivery.next_try:
            self._write(replace(self.delivery, next_try=None))

    def _waiting(self) -> list[Path]:
        return sorted(self._directory.glob("[0-9]*.json"))

    def _write(self, delivery: Delivery) -> None:
        files.write(self._delivery, _DELIVERY.dump_json(delivery))
