"""bootstrap.py as a person runs it: its exit code, and everything it said."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.process import Failed, run

BOOTSTRAP = Path(__file__).resolve().parents[2] / "bootstrap.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    code: int | None
    text: str

    def steps(self) -> dict[str, str]:
        """What became of each step: ok, changed, failed or stopped."""
        words = (line.split() for line in self.text.splitlines())
        return {row[1]: row[0] for row in words if len(row) > 1 and row[0] in {"ok", "changed", "failed", "stopped"}}


def call(
    *arguments: str,
    python: str = sys.executable,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    within: timedelta | None = None,
) -> Said:
    """Without a terminal, as in a pipe; at a laptop that knows the host keys of earlier calls and no others."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "GIT_", "GITOPS_"))}
    words = (python, str(BOOTSTRAP), *arguments)
    try:
        # Nobody at this laptop knows a password for sudo.
        environ = {**environ, "HOME": str(laptop()), "GITOPS_VM_SUDO_PASSWORD": "", **(env or {})}
        out = run(*words, env=environ, cwd=cwd or laptop(), within=within or timedelta(minutes=1))
    except Failed as failed:
        return Said(code=failed.code, text=failed.out + failed.err)
    return Said(code=0, text=out)


@functools.cache
def laptop() -> Path:
    """The home of the person who calls, for as long as the tests run."""
    home = Path(tempfile.mkdtemp(prefix="gitops-vm-laptop-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home
