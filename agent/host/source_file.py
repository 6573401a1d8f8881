"""source.yaml as it lies on this VM."""

from __future__ import annotations

from .. import source as sources
from ..desired import InvalidSpec
from ..errors import Broken, Reason
from ..paths import Paths
from ..source import Source
from .setup import refuse_without


def read_source(paths: Paths) -> Source:
    """Raises Broken where it is missing or invalid, with every problem."""
    refuse_without(paths)
    try:
        return sources.parse(paths.source.read_bytes(), file=str(paths.source))
    except InvalidSpec as invalid:
        raise Broken(Reason.INVALID_SOURCE, "\n".join(str(problem) for problem in invalid.problems)) from invalid
