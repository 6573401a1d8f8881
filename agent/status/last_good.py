"""Which revisions proved good, told from what the VMs have published. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import Reason

Document = Mapping[str, Any]


def good_commits(document: Document) -> list[str]:
    """Those that were healthy on this VM, as 40 hex digits, the last one first."""
    ended_well = [each for each in document["history"] if each.get("status") == Reason.RECONCILIATION_SUCCEEDED]
    named = [document["lastAppliedRevision"], *(each.get("revision") for each in ended_well)]
    found = (re.fullmatch(r"[^@]*@?sha1:([0-9a-f]{40})", str(each)) for each in named)
    return list(dict.fromkeys(each[1] for each in found if each))


def good_everywhere(documents: Mapping[str, Document]) -> list[str]:
    """Those that were healthy on every VM, in the order of the first one."""
    lists = [good_commits(each) for each in documents.values()]
    return [each for each in lists[0] if all(each in other for other in lists)] if lists else []
