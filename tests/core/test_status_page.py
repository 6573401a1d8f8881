"""README.md of the status branch, read with a real Markdown parser; what comes from outside stays text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from agent.errors import Reason, Stalled
from agent.report import Report
from agent.status.advance import advance
from agent.status.document import document
from agent.status.markdown import link, plain
from agent.status.memory import Memory
from agent.status.publication import Publication, publication
from agent.status.urls import commit_page, public
from tests.reports import NOW, Observed, fetched, observed, process, rejected, release, report, well
from tests.status_facts import FACTS

OLD, NEW = release("a"), release("b")
HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) ![x](https://evil.example/pixel.png)",
    "| cell | break |\n\n# A heading\n\n- [ ] a list",
    "`code` **bold** _it_ ~~gone~~ $x$ &lt;b&gt; &#60;b&#62;",
    "https://evil.example/ www.evil.example <https://evil.example> ada@evil.example @ada #1",
    "``` \n<b>fence</b>\n```\r\n---\u2028\u202egnp",
    "\\[x](http://evil.example) \\<b> \\`",
)


def made(told: Report, memory: Memory | None = None) -> Publication:
    memory = advance(memory or Memory(), told)
    return publication(document(told, memory, FACTS), memory.events, told.at, ())


def tokens(text: str) -> list[Token]:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    blocks = parser.parse(text)
    return [*blocks, *(child for block in blocks for child in block.children or [])]


def shape(text: str) -> list[str]:
    return [token.type for token in tokens(text) if token.type != "text"]


def hrefs(text: str) -> set[str | int | float]:
    return {href for token in tokens(text) if (href := token.attrs.get("href"))}


def hostile(text: str) -> Report:
    told = report(
        OLD, observed(OLD, running=process(OLD, unit=text), confirmed=OLD), invalid=Stalled(Reason.INVALID_SPEC, text)
    )
    return replace(told, fetched=replace(fetched(OLD), url=f"https://example.org/{text}", ref=text))


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_can_neither_format_nor_link_nor_break_the_page(text: str):
    page, usual = made(hostile(text)).files["README.md"], made(hostile("harmless")).files["README.md"]
    assert shape(page) == shape(usual)
    assert not [token for token in tokens(page) if token.type.startswith("html")]
    assert hrefs(page) == {"status.json", "events.ndjson", "http://vm-1:8010/"}
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == len([line for line in usual.splitlines() if line.startswith("|")])


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_is_shown_as_it_was(text: str):
    shown = "".join(token.content for token in tokens(plain(text)) if token.type in ("text", "text_special"))
    assert shown == re.sub(r"[\x00-\x1f\u2028\u202e]+", " ", text).strip()


@pytest.mark.parametrize("text", HOSTILE)
def test_no_bare_address_is_left_for_a_forge_to_link(text: str):
    assert not re.search(r"(?<!\\)://|www\.|(?<!\\)@", plain(text))


def test_the_page_tells_the_story_of_a_rollback():
    memory = advance(Memory(), well())
    told = report(NEW, observed(OLD, NEW, running=process(OLD), confirmed=OLD, rejected=rejected(NEW)))
    page = made(told, memory).files["README.md"]
    commit = "https://github.com/acme/mood/commit"
    assert page.startswith("# 🟠 mood on vm\\-1\n" if "\\-" in page.splitlines()[0] else "# 🟠 mood on vm-1\n")
    assert f"**[`main@sha1:aaaaaaaa`]({commit}/{'a' * 40}) is running in mode `api`.**" in page
    assert "❌ **HealthCheckFailed** not started within 60 s" in page
    assert "| ⚠️ RolledBack | True | HealthCheckFailed |" in page
    assert f"| [`main@sha1:bbbbbbbb`]({commit}/{'b' * 40}) | HealthCheckFailed | 2026-11-23\u00a009:00:00 |" in page
    assert "## Probes" in page
    assert "keys only, 1 authorized" in page


@pytest.mark.parametrize(("service", "url"), [
    ("publicURL: 'https://mood.example.edu/?theme=dark'", "https://mood.example.edu/?theme=dark"), ("host: 127.0.0.1", "http://127.0.0.1:8010/"),
    ("host: 0.0.0.0", "http://vm-1:8010/"), ("host: '::'", "http://vm-1:8010/"), ("host: 2001:db8::1", "http://[2001:db8::1]:8010/"),
])  # fmt: skip
def test_the_page_and_the_document_have_the_url_people_use(service: str, url: str):
    shown = release("a", f"hosts: {{vm-1: {{service: {{{service}}}}}}}\n")
    made_of_it = made(report(shown, observed(shown, running=process(shown), confirmed=shown)))
    assert json.loads(made_of_it.files["status.json"])["service"]["url"] == url
    assert url in hrefs(made_of_it.files["README.md"])


@pytest.mark.parametrize(
    "url", ["https://h/a)b", "https://h/<b>", "https://h/a|b", "https://h/`", "https://h/(x", 'https://h/"']
)
def test_a_url_that_could_break_the_page_is_shown_and_not_linked(url: str):
    assert link("`x`", url) == "`x`"


def test_a_page_about_nothing_is_short_and_whole():
    nothing = Report(at=NOW, fetched=fetched(None), desired=None, observed=Observed(), plan=None)
    page = made(nothing).files["README.md"]
    assert page.startswith("# 🟡 nothing yet on vm-1")
    assert "**Nothing is running.**" in page
    assert "## Probes" not in page
    assert "## History" not in page


def test_the_subject_of_a_commit_tells_ready_reason_and_revision():
    assert made(well()).subject == "mood: Ready=True ReconciliationSucceeded main@sha1:aaaaaaaa"
    nothing = Report(at=NOW, fetched=fetched(None), desired=None, observed=Observed(), plan=None)
    assert made(nothing).subject == "vm-1: Ready=Unknown Progressing"


def test_each_event_is_a_line_of_json():
    lines = made(well()).files["events.ndjson"].splitlines()
    event: dict[str, Any] = json.loads(lines[0])
    assert event == {
        "time": "2026-11-23T09:00:00Z",
        "severity": "info",
        "reason": "ReconciliationSucceeded",
        "message": "main@sha1:aaaaaaaa is running: GET / answered 200",
        "revision": f"main@sha1:{'a' * 40}",
    }


@pytest.mark.parametrize(("url", "page"), [
    ("git@github.com:acme/mood.git", "https://github.com/acme/mood/commit/abc"),
    ("ssh://git@gitlab.example.edu:2222/group/sub/mood.git", "https://gitlab.example.edu/group/sub/mood/-/commit/abc"),
    ("https://codeberg.org/acme/mood", "https://codeberg.org/acme/mood/commit/abc"),
    ("https://example.org/mood.git", None), ("/srv/git/github/mood.git", None), ("https://github.com/a b/c", None),
    ("https://github.com/acme/mood)](x", "https://github.com/acme/mood%29%5D%28x/commit/abc"),
])  # fmt: skip
def test_commits_are_linked_where_the_forge_is_known(url: str, page: str | None):
    assert commit_page(url, "abc") == page


@pytest.mark.parametrize(("url", "shown"), [
    ("https://ada:token@example.org/mood", "https://example.org/mood"), ("https://token@example.org/m", "https://example.org/m"),
    ("ssh://git@example.org/mood", "ssh://git@example.org/mood"), ("ssh://git:pw@example.org/m", "ssh://git@example.org/m"),
    ("git@example.org:mood", "git@example.org:mood"), ("/srv/git/mood", "/srv/git/mood"),
    ("https://a@b:c@example.org/m", "https://example.org/m"),
])  # fmt: skip
def test_a_url_is_shown_without_credentials(url: str, shown: str):
    assert public(url) == shown
