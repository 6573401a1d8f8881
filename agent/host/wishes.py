"""What somebody asks for on this VM that no push has said, written down before it is done."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ..names import ReleaseId
from . import files
from .records import Records


class Wishes:
    """Only the pass that holds worker.lock may write."""

    def __init__(self, records: Records, state: Path) -> None:
        self._records = records
        self._state = state

    def now(self) -> None:
        """A try now: no pause is waited for."""
        self._records.write(self._records.ledger.impatient())
        files.write(self._state / "handled", datetime.now(UTC).isoformat())

    def ask(self, verb: str, by: str) -> None:
        """The next start is for `by`, who typed `verb`, and heals nothing."""
        self._records.write(self._records.ledger.ask(verb, by, datetime.now(UTC)))

    def retry(self, release: ReleaseId) -> None:
        """One more try of a release that may have been rejected."""
        self._records.write(self._records.ledger.retry(release))

    def pin(self, release: ReleaseId, by: str) -> None:
        """Another release than the declared one, until the next push."""
        self._records.write(self._records.ledger.pin(release, by, datetime.now(UTC)))

    def unpin(self) -> None:
        self._records.write(self._records.ledger.unpin())
