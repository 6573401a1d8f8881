"""Whether an agent was set up on this machine at all."""

from __future__ import annotations

from ..errors import Broken, Reason
from ..paths import Paths


def refuse_without(paths: Paths) -> None:
    """Raises Broken where there is no source.yaml: nothing else here means anything then."""
    if not paths.source.is_file():
        hint = "python3 bootstrap.py USER@HOST --repo URL writes it"
        raise Broken(Reason.INVALID_SOURCE, f"there is no {paths.source}", hint=hint)
