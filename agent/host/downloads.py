"""uv's cache, from which environments are hard links. uv renames what it has unpacked into place and flushes nothing.

After a power cut a file of it may therefore be empty and count as whole (seen: "The wheel is invalid"), for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import files

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Downloads:
    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._unsettled = cache.with_name(f"{cache.name}.unsettled")

    @contextmanager
    def adding(self) -> Iterator[None]:
        """What the block leaves in the cache is on the disk at its end. Where the machine ended before that, all goes."""
        boot = _BOOT.read_text()
        if self._unsettled.exists() and not files.holds(self._unsettled, boot):
            files.remove(self._cache)
        files.write(self._unsettled, boot)
        yield
        self._unsettled.unlink(missing_ok=True)
