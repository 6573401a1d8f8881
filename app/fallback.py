"""`FALLBACK=local`: the local model stands in while the service cannot answer."""

from __future__ import annotations

from .moods import Failure


def covers(failure: Failure) -> bool:
    """What time may cure, the local model bridges; a wrong token or model is for somebody to see and to correct."""
    return failure.passing and failure.reason not in ("Stopping", "Loading")
