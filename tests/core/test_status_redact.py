"""Planted secrets do not come out, in any form; everything else does."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import Reason, Transient
from agent.status.advance import advance
from agent.status.document import document
from agent.status.memory import Memory
from agent.status.publication import publication
from agent.status.redact import MARK, SHORTEST, redact
from tests.reports import NOW, fetched, observed, probe, process, release, report
from tests.status_facts import FACTS

CANARY = 's3cr3t/Wert+mit="Zeichen&más'
_TOKENS = {
    "hugging face": "hf_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3f",
    "github classic": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "github fine-grained": "github_pat_" + "11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789",
    "gitlab": "glpat-" + "aBcDeFgHiJkLmNoPqRsT",
    "telegram": "123456789" + ":AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
    "slack": "xoxb-" + "123456789012-abcdefABCDEF",
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "json web token": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVP",
    "age": "AGE-SECRET-KEY-1" + "QQPZRYSMDNDVQZ5X3FZ5Q5XZ",
    "user and password": "ada:hunter2@",
}


@pytest.mark.parametrize("token", _TOKENS.values(), ids=_TOKENS)
def test_what_looks_like_a_token_is_taken_out_without_being_known(token: str):
    said = redact(
        f"fatal: https://{token}example.org failed" if token.endswith("@") else f"the token {token} is bad", ()
    )
    assert token.removesuffix("@") not in said
    assert MARK in said


def test_headers_and_key_blocks_are_taken_out():
    begin, end = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
    key = f"{begin}\nb3BlbnNzaC1rZXktdjE\n{end}"
    said = redact(f"> Authorization: Bearer abcdef123456\n{key}\nand on", ())
    assert "abcdef123456" not in said
    assert "b3BlbnNzaC1rZXktdjE" not in said
    assert said.endswith("and on")
    assert "b3BlbnNzaC1rZXktdjE" not in redact(f"cut off: {begin}\nb3BlbnNzaC1rZXktdjE", ())


@pytest.mark.parametrize("text", [
    "main@sha1:4f2c9d1a4f2c9d1a4f2c9d1a4f2c9d1a4f2c9d1a is running: GET /readyz answered 200",
    "ssh://git@github.com:22/acme/mood.git", "git@github.com:acme/mood.git", "SHA256:tzklTWxYRLFQBTy0XgFUZcHlYFhVmK0zqoLzAJ8vJ5A",
    "gitops-app@mood-0123456789ab.service", "http://127.0.0.1:8010/", "desired-state.yaml:7: service.port: 80 is privileged",
])  # fmt: skip
def test_what_is_no_secret_stays(text: str):
    assert redact(text, ()) == text


def encodings(secret: str) -> dict[str, str]:
    raw = secret.encode()
    return {
        "plain": secret,
        "url": quote(secret, safe=""),
        "url, lower case": quote(secret, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
        "JSON": json.dumps({"reason": secret})[12:-2],
        "JSON with its letters": json.dumps({"reason": secret}, ensure_ascii=False)[12:-2],
        "base64": b64encode(raw).decode(),
        "base64 of user:secret": b64encode(b"ada:" + raw).decode(),
        "base64 of u:secret": b64encode(b"u:" + raw + b"\n").decode(),
        "base64 for urls": urlsafe_b64encode(raw).decode(),
    }


@pytest.mark.parametrize("form", encodings(CANARY))
def test_a_known_secret_is_taken_out_in_every_form(form: str):
    written = encodings(CANARY)[form]
    said = redact(f"before {written} after", {CANARY})
    middle = written[6:-6]
    assert middle not in said
    assert said.startswith("before ")
    assert said.endswith(" after")


@given(
    secret=st.text(st.characters(max_codepoint=0x24F, exclude_categories=("C", "Z")), min_size=SHORTEST, max_size=40),
    data=st.data(),
)
def test_no_part_of_a_cut_secret_is_left(secret: str, data: st.DataObject):
    kept = data.draw(st.integers(min_value=SHORTEST, max_value=len(secret)))
    assert secret[:kept] not in redact(f"the value is {secret[:kept]}…", {secret}).removeprefix("the value is ")
    assert not redact(f"{secret[-kept:]} was refused", {secret}).startswith(secret[-kept:])


def test_a_key_is_taken_out_line_by_line():
    key = "line-one-of-a-long-secret\nline-two-of-a-long-secret\n"
    assert "line-two" not in redact("it printed line-two-of-a-long-secret alone", {key})


def test_a_short_value_is_a_word_and_stays():
    assert redact("mode is info", {"info", ""}) == "mode is info"


def test_planted_canaries_reach_no_file_of_the_branch():
    """In every place where text from outside comes in."""
    target = release("a")
    ill = process(
        target,
        readiness=replace(probe(ok=False), message=f"GET /?t={CANARY} answered 500", url=f"http://h/?t={CANARY}"),
    )
    error = Transient(Reason.GIT_OPERATION_FAILED, f"fatal: {CANARY}", hint=f"use {quote(CANARY)}", evidence=CANARY)
    told = report(target, observed(target, running=ill, confirmed=target), error=error)
    told = replace(
        told, fetched=replace(fetched(target, error), url=f"https://ada:{CANARY.replace('/', '')}@example.org/mood")
    )
    told = replace(told, failure=Transient(Reason.BUILD_FAILED, f"{'x' * 4080} {CANARY}"))
    memory = advance(Memory(), told, push_failure=f"refused: {CANARY}")
    made = publication(document(told, memory, FACTS), memory.events, NOW, {CANARY})
    for name, text in (*made.files.items(), ("subject", made.subject)):
        for form, written in encodings(CANARY).items():
            assert written[:SHORTEST] not in text, f"{name} holds the {form} form"
            assert json.dumps(written)[1 : 1 + SHORTEST] not in text, f"{name} holds the {form} form as JSON"


def test_a_secret_that_equals_a_word_of_ours_leaves_the_document_readable():
    told = report(release("a"), observed())
    memory = advance(Memory(), told)
    made = publication(document(told, memory, FACTS), memory.events, NOW, {"Progressing", "Unknown", "gitops-vm/v1"})
    assert json.loads(made.files["status.json"])["conditions"][0]["reason"] == "Progressing"
