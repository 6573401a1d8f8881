"""`gitops-vm run`: the daemon, one per VM."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import timedelta

from ..daemon import Daemon
from ..host import files
from ..host.lock import hold
from ..host.setup import refuse_without
from ..paths import Paths

PATIENCE = timedelta(seconds=1)
"""`status` looks whether somebody holds the lock, and has it for that instant."""


def run(paths: Paths, environ: Mapping[str, str]) -> int:
    """Until SIGTERM. Raises Broken when no source.yaml is there, or another daemon is."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # a line for each change that is seen
    refuse_without(paths)
    files.make_directory(paths.state)
    with hold(paths.state / "daemon.lock", patience=PATIENCE):
        return Daemon(paths, environ).run()
