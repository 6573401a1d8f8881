"""The ledger on disk, durable before the next step is taken; and what somebody asked for on this VM."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path

from .. import ledger
from ..ledger import Ledger
from ..observed import Pause
from . import files
from .ballast import Ballast

log = logging.getLogger(__name__)


class Records:
    """Reads once; every change is written before `ledger` shows it."""

    def __init__(self, path: Path, ballast: Ballast) -> None:
        self._path = path
        self._ballast = ballast
        self.ledger = _read(path)

    def write(self, after: Ledger) -> None:
        if after != self.ledger:
            self._ballast.afford(lambda: files.write(self._path, after.to_json()))
            self.ledger = after


def _read(path: Path) -> Ledger:
    """An unreadable ledger is set aside: what runs is seen on the VM itself, and confirmed anew."""
    try:
        return ledger.from_json(path.read_text())
    except FileNotFoundError:
        return Ledger()
    except (ValueError, KeyError, TypeError) as error:
        aside = path.with_suffix(".unreadable")
        path.replace(aside)
        log.error("%s was unreadable (%s); it is now %s and a new one begins", path, error, aside.name)  # noqa: TRY400
        return Ledger()


def paused(path: Path) -> Pause | None:
    """A file that cannot be read still pauses: somebody wanted it."""
    try:
        said = json.loads(path.read_text())
        until = said.get("until")  # older agents wrote none
        return Pause(
            reason=said["reason"],
            by=said["by"],
            since=datetime.fromisoformat(said["since"]),
            until=datetime.fromisoformat(until) if until else None,
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return Pause(reason=f"{path.name} cannot be read", by="unknown", since=datetime.fromtimestamp(0).astimezone())
