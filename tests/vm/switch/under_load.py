"""An app that is used all the time, by a program of its own: `with under_load(...) as load:`, then `load.outcome`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.load.report import Outcome
from tests.ports import LOOPBACK
from tests.process import Background
from tests.vm.switch.user_apps import UserApp

ROOT = Path(__file__).parents[3]
LAST_VISITS = timedelta(seconds=30)


@dataclass(slots=True)
class Load:
    outcome: Outcome | None = None
    """Once it is over."""

    @property
    def result(self) -> Outcome:
        assert self.outcome is not None, "the load still runs"
        return self.outcome


@contextmanager
def under_load(app: UserApp, port: int, folder: Path) -> Iterator[Load]:
    """Its users come until the block ends; what they had begun by then comes to its end."""
    stop, out, log = folder / "stop", folder / "load.json", folder / "load.log"
    folder.mkdir(parents=True)
    arguments = (f"http://{LOOPBACK}:{port}", *app.load, "--release", app.release, "--until-file", stop, "--json", out)
    # Before everybody else, so that what is measured is the app's delay and not the visitors'.
    argv = ("nice", "-n", "-5", sys.executable, "-m", "tests.load", *arguments)
    visitors = Background(*argv, log=log, env={**os.environ, "PYTHONPATH": str(ROOT)})
    load = Load()
    try:
        yield load
        stop.touch()
        visitors.wait(LAST_VISITS)
        assert out.exists(), log.read_text()
        load.outcome = Outcome.read(out)
    finally:
        visitors.stop()
