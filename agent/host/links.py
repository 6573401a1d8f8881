"""Where the symbolic links of a tree lead, told before any of them is on a disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

_HOPS = 40  # as the kernel, path_resolution(7)


def leads_outside(link: str, links: Mapping[str, str]) -> bool:
    """Whether following `link` leaves the tree or never ends. `links` are all of the tree's: path -> target."""
    ahead, here, hops = deque(link.split("/")), list[str](), 0
    while ahead:
        name = ahead.popleft()
        if name == ".." and not here:
            return True
        if name == "..":
            here.pop()
        elif name not in {"", "."}:
            target = links.get("/".join((*here, name)))
            if target is None:
                here.append(name)
                continue
            hops += 1
            if target.startswith("/") or hops > _HOPS:
                return True
            ahead.extendleft(reversed(target.split("/")))
    return False
