"""Which release to go back to, where somebody asks for that on the VM."""

from __future__ import annotations

from .errors import Reason, Stalled
from .names import sha, short
from .observed import Observed
from .release import Release

FEWEST = 4
"""Digits of a commit that are enough to name it, as in git."""


def earlier(desired: Release | None, observed: Observed, wanted: str = "") -> Release:
    """The last release that proved healthy here, is on the disk, and is not the declared one; or the one of these that `wanted`,

    the beginning of a commit or the name of a release, means. Raises Stalled where there is none, with those there are.
    """
    there = [observed.releases[each] for each in reversed(observed.good) if each in observed.releases]
    others = [each for each in there if desired is None or each.id != desired.id]
    found = [each for each in others if _is_meant(each, wanted)]
    if not found or (wanted and len({each.revision for each in found}) > 1):
        names = ", ".join(short(each.revision) for each in others)
        asked = f"{wanted!r} " if wanted else ""
        message = f"{asked}means several releases" if found else f"no good release {asked}to go back to is on this VM"
        hint = f"there is {names}" if names else "roll back in git: gitops-vm rollback, in a clone of the repository"
        raise Stalled(Reason.REF_NOT_FOUND, message, hint=hint)
    return found[0]


def _is_meant(release: Release, wanted: str) -> bool:
    if not wanted or wanted in {release.id, release.revision}:
        return True
    digits = wanted.rpartition(":")[2].lower()
    return len(digits) >= FEWEST and sha(release.revision).startswith(digits)
