"""Remote URLs as they may be shown, and as a browser opens them."""

from __future__ import annotations

import re
from urllib.parse import quote

_SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?!/)(?P<path>[^\s]+)", re.ASCII)
_URL = re.compile(r"(?:https|ssh)://(?:[^\s/@]*@)?(?P<host>[\w.-]+)(?::\d+)?/(?P<path>[^\s?#]+)", re.ASCII)
_WITH_USER = re.compile(r"^(?P<scheme>\w[\w+.-]*)://(?P<user>[^\s/]*)@")

_FORGES = {"github": "commit", "gitlab": "-/commit", "codeberg": "commit", "bitbucket": "commits"}
"""A word in the host's name -> where that forge shows a commit."""


def public(url: str) -> str:
    """The URL without credentials: a user name stays in ssh, everything before the @ goes elsewhere."""

    def cleaned(found: re.Match[str]) -> str:
        user = found["user"].partition(":")[0]
        return f"ssh://{user}@" if found["scheme"] == "ssh" else f"{found['scheme']}://"

    return _WITH_USER.sub(cleaned, url)


def commit_page(url: str, digits: str) -> str | None:
    """Where the forge shows this commit; None for a remote that is not known to be a forge."""
    found = _URL.fullmatch(url) or _SCP.fullmatch(url)
    if not found:
        return None
    host, path = found["host"], quote(found["path"].strip("/").removesuffix(".git"))
    where = next((where for word, where in _FORGES.items() if word in host.lower()), None)
    return f"https://{host}/{path}/{where}/{digits}" if where else None
