"""How revisions, releases, environments and models are called."""

from __future__ import annotations

from typing import NewType

Revision = NewType("Revision", str)
"""An immutable commit as Flux prints it: `main@sha1:<40 hex>`."""

ReleaseId = NewType("ReleaseId", str)
"""`<app>-<12 hex>`: a directory name, and the instance name of the unit."""

VenvId = NewType("VenvId", str)
"""16 hex digits: the digest of (lock, python, extras, package settings)."""

ModelId = NewType("ModelId", str)
"""16 hex digits: the digest of (repository, revision, patterns of files)."""

_SHORT_SHA = 8


def make_revision(name: str, digits: str) -> Revision:
    """`main`, `4f2c...` -> `main@sha1:4f2c...`. `name` is the branch or tag, empty for a bare commit."""
    return Revision(f"{name}@sha1:{digits}" if name else f"sha1:{digits}")


def sha(revision: Revision) -> str:
    """The 40 hex digits of a revision."""
    return revision.rpartition(":")[2]


def short(revision: Revision) -> str:
    """For people: `main@sha1:4f2c9d1a`."""
    head, _, digits = revision.rpartition(":")
    return f"{head}:{digits[:_SHORT_SHA]}"
