"""The decision: (desired, observed, now) -> plan. Pure; every rule of the product is here.

One story: a release that is declared is built, takes the place of the one that runs, and is confirmed once its own
process answers. One that does not is rejected, and the last confirmed release takes its place again.
"""

from __future__ import annotations

from ._decide import plan
from ._failed import tag
from ._plan import Plan

__all__ = ["Plan", "plan", "tag"]
