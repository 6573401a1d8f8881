"""The secret values that are on this VM's disk for the agent to use: what must never leave it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ..paths import Paths


def known_secrets(paths: Paths) -> frozenset[str]:
    """Values of the app's environment file, the https credentials, the ssh keys. Read anew each time: they are rotated."""
    return frozenset(
        (
            *(value for _, value in environment(paths)),
            *_credentials(_text(paths, "credentials")),
            *_credentials(_text(paths, "status_credentials")),
            _text(paths, "deploy_key"),
            _text(paths, "status_key"),
        )
    ) - {""}


def environment(paths: Paths) -> Iterator[tuple[str, str]]:
    """The app's variables that are in no repository, as systemd's EnvironmentFile has them: KEY=value, perhaps in quotes."""
    for line in _text(paths, "environment").splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.lstrip().startswith(("#", ";")):
            yield name.strip(), value.strip().strip("\"'")


def _text(paths: Paths, name: str) -> str:
    with suppress(OSError):
        text: str = getattr(paths, name).read_text(errors="replace")
        return text
    return ""


def _credentials(text: str) -> Iterator[str]:
    """`user:token`; the user alone is no secret."""
    for line in text.splitlines():
        yield line.strip()
        yield line.strip().partition(":")[2]
