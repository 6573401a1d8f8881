"""A machine on which the agent is "installed": the code of this checkout, run by the tests' Python. It saves the half minute
that the real installation takes, which tests/test_demo.py and tests/vm/ make."""

from __future__ import annotations

import sys
from pathlib import Path

import bootstrap


def installed(root: Path, *arguments: str) -> bootstrap.Setup:
    """After the steps that come before the repository; `arguments` as for `bootstrap.py local --yes`."""
    python = root / "agent" / "current" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    # `-I`, the first argument, would not hear of PYTHONPATH.
    python.write_text(f'#!/bin/sh\nshift\nPYTHONPATH={bootstrap.HERE} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    options = bootstrap.parse(["local", "--yes", "--wait", "1s", *arguments])
    setup = bootstrap.Setup(bootstrap.Console(), bootstrap.Machine(str(root)), options)
    setup.facts = {"config": f"{root}/config", "data": str(root), "hostname": "VM-1.example.edu"}
    return setup
