"""`gitops-vm run`: the daemon, one per VM."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import timedelta

from ..daemon import Daemon
from ..errors import Broken, Reason
from ..host import files
from ..host.lock import hold
from ..paths import Paths

PATIENCE = timedelta(seconds=1)
"""`status` looks whether somebody holds the lock, and has it for that instant."""


def run(paths: Paths, environ: Mapping[str, str]) -> int:
    """Until SIGTERM. Raises Broken when no source.yaml is there, or another daemon is."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # a line for each change that is seen
    if not paths.source.is_file():
        raise Broken(
            Reason.INVALID_SOURCE,
            f"there is no {paths.source}",
            hint="python3 bootstrap.py USER@HOST --repo URL writes it",
        )
    files.make_directory(paths.state)
    with hold(paths.state / "daemon.lock", patience=PATIENCE):
        return Daemon(paths, environ).run()
