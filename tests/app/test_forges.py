"""What the header links to: only pages that a known forge has, and never with what was secret in the address."""

from __future__ import annotations

import pytest

from app.forges import branch_page, commit_page

REVISION = "4f2c9d1a" * 5


@pytest.mark.parametrize(
    "url",
    [
        "git@github.com:me/mood.git",
        "ssh://git@github.com/me/mood.git",
        "ssh://git@github.com:443/me/mood",
        "https://github.com/me/mood.git/",
        "https://me:hf_canary@github.com/me/mood",
    ],
)
def test_every_form_of_an_address_leads_to_the_same_pages(url: str) -> None:
    assert commit_page(url, REVISION) == f"https://github.com/me/mood/commit/{REVISION}"
    assert branch_page(url, "status/vm-1") == "https://github.com/me/mood/tree/status/vm-1"


@pytest.mark.parametrize(
    ("url", "commit", "branch"),
    [
        ("git@gitlab.com:a/b/mood.git", "gitlab.com/a/b/mood/-/commit", "gitlab.com/a/b/mood/-/tree"),
        ("https://gitlab.example.edu/a/mood", "gitlab.example.edu/a/mood/-/commit", "gitlab.example.edu/a/mood/-/tree"),
        ("https://codeberg.org/me/mood", "codeberg.org/me/mood/commit", "codeberg.org/me/mood/src/branch"),
    ],
)
def test_each_forge_has_its_own_places(url: str, commit: str, branch: str) -> None:
    assert commit_page(url, REVISION) == f"https://{commit}/{REVISION}"
    assert branch_page(url, "a b") == f"https://{branch}/a%20b"


@pytest.mark.parametrize("url", [None, "", "/srv/git/mood", "file:///srv/mood", "https://git.example.edu/me/mood"])
def test_what_is_no_known_forge_has_no_page(url: str | None) -> None:
    assert commit_page(url, REVISION) is None
    assert branch_page(url, "status/vm-1") is None


def test_an_unknown_revision_or_branch_has_no_page() -> None:
    assert commit_page("git@github.com:me/mood.git", None) is None
    assert branch_page("git@github.com:me/mood.git", None) is None
