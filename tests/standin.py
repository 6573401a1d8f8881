"""What stands in for Hugging Face's service, as a process of its own: `with standing_in(log) as url:`"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.app.venvs import ROOT, python_for
from tests.process import Background
from tests.waiting import wait_for

TOKEN = "hf_for_the_stand_in"  # noqa: S105 - it takes every one that begins so


@contextmanager
def standing_in(log: Path) -> Iterator[str]:
    """Its url, on a free port of this machine's loopback, which the VMs share."""
    server = Background("/usr/bin/env", "-C", ROOT, python_for("onnx"), "-m", "app.standin", "--port", "0", log=log)
    try:
        said = wait_for(
            lambda: log.exists() and log.read_text().endswith("\n") and log.read_text(), "the stand-in's url"
        )
        yield said.split()[-1]
    finally:
        server.stop()
