"""Where a browser finds what git knows: the page of a commit or a branch, on the forges we know."""

from __future__ import annotations

import re
from urllib.parse import quote

_SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?!/)(?P<path>\S+)", re.ASCII)
_URL = re.compile(r"(?:https|ssh)://(?:[^\s/@]*@)?(?P<host>[\w.-]+)(?::\d+)?/(?P<path>[^\s?#]+)", re.ASCII)

# A word in the host's name -> where that forge shows a commit, and a branch.
_FORGES = {
    "github": ("commit", "tree"),
    "gitlab": ("-/commit", "-/tree"),
    "codeberg": ("commit", "src/branch"),
    "forgejo": ("commit", "src/branch"),
    "gitea": ("commit", "src/branch"),
}


def commit_page(url: str | None, revision: str | None) -> str | None:
    """None without either, and for a remote that is not known to be a forge. Never with a user or a password in it."""
    found = _project(url)
    return f"{found[0]}/{found[1]}/{revision}" if found and revision else None


def branch_page(url: str | None, branch: str | None) -> str | None:
    """The same for a branch."""
    found = _project(url)
    return f"{found[0]}/{found[2]}/{quote(branch)}" if found and branch else None


def _project(url: str | None) -> tuple[str, str, str] | None:
    found = url and (_URL.fullmatch(url) or _SCP.fullmatch(url))
    if not found:
        return None
    host, path = found["host"], quote(found["path"].strip("/").removesuffix(".git"))
    forge = next((places for word, places in _FORGES.items() if word in host.lower()), None)
    return forge and (f"https://{host}/{path}", *forge)
