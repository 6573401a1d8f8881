"""Debian's own Chromium: no browser is downloaded."""

from __future__ import annotations

import shutil

import pytest

# As root it has no sandbox, and in a container /dev/shm is small.
SWITCHES = ("--no-sandbox", "--disable-dev-shm-usage")


def chromium() -> str:
    """Skips the test where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("NO CHROMIUM: apt-get install chromium")
    return found
