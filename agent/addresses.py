"""URLs as people write them, of apps and of repositories: which are taken, and how they are shown. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit


def shown(url: str) -> str:
    """The URL without its query, which may hold a token, and without a fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "***" if parts.query else "", ""))


def refusal(url: str) -> str:
    """Why this URL is not asked, and what to write; empty for one that can be."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or not url.isprintable() or " " in url:
        return "write a URL such as https://vm.example.edu/ or http://127.0.0.1:8010/"
    if "@" in urlsplit(url).netloc:
        return "a URL on a command line shows its password to everybody; write the login for this host into ~/.netrc"
    return ""


def repository_refusal(url: str) -> str:
    """Why git is not given this URL; empty for one it is. git would take a dash for an option, and shows its arguments."""
    if re.match(r"https?://[^/]*@", url, re.IGNORECASE):
        return (
            "write the repository's URL without a login: git asks its credential helper for that (git help credentials)"
        )
    if not re.fullmatch(r"[^\s-]\S*", url):
        return "write the repository's URL, such as git@github.com:me/mood.git"
    return ""
