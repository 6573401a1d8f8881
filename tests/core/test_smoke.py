"""The verdict on an answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.addresses import refusal, shown
from agent.smoke import Answer, Expected, Outcome, Silence, judge

URL = "https://vm.example.edu/app?token=secret#top"


def answer(code: int = 200, body: str = "All is well", **fields: object) -> Answer:
    usual = {"url": URL, "whole": True, "latency": timedelta(milliseconds=43)}
    return Answer(code=code, body=body, **{**usual, **fields})


@pytest.mark.parametrize("status", [200, 204, 302, 503])
def test_the_status_is_good_when_it_is_the_one_expected(status: int) -> None:
    verdicts = {code: judge(URL, answer(code), Expected(status=status)) for code in range(200, 600)}

    assert [code for code, verdict in verdicts.items() if verdict.good] == [status]
    del verdicts[status]
    for code, verdict in verdicts.items():
        assert (verdict.outcome, verdict.code) == (Outcome.WRONG_STATUS, code)
        assert f"answered {code}, not {status}; " in verdict.line


def test_a_body_without_the_text_is_bad_and_says_so() -> None:
    assert judge(URL, answer(), Expected(text="is well")).line == "answered 200 in 0.043s"
    verdict = judge(URL, answer(), Expected(text="is WELL"))
    assert verdict.outcome is Outcome.WRONG_BODY
    assert (
        verdict.line
        == "answered 200, but 'is WELL' is not in its body; look at what it says: curl -sL 'https://vm.example.edu/app?***'"
    )
    cut = judge(URL, answer(whole=False), Expected(text="end"))
    assert "not in the first 11 characters" in cut.message


def test_a_redirect_that_is_expected_is_not_followed() -> None:
    assert [Expected(status=code).follows for code in (200, 299, 300, 308, 399, 400)] == [
        True,
        True,
        False,
        False,
        False,
        True,
    ]


def test_where_a_redirect_led_is_said() -> None:
    assert judge("http://a/", answer(url="https://b/?s=1"), Expected()).message.endswith("a redirect to https://b/?***")
    assert "redirect" not in judge("http://a", answer(url="http://a/"), Expected()).message


def test_what_a_bad_answer_says_for_itself_is_one_safe_line() -> None:
    said = answer(503, '{"reason":\n "OutOfInk\033[2J"}', kind="application/json")
    assert judge(URL, said, Expected()).message == 'answered 503, not 200: {"reason": "OutOfInk [2J"}'
    assert judge(URL, answer(503, "<html>", kind="text/html"), Expected()).message == "answered 503, not 200"
    assert len(judge(URL, answer(503, "x" * 5000, kind="text/plain"), Expected()).message) < 250


def test_silence_is_bad_and_keeps_its_words() -> None:
    verdict = judge(URL, Silence(outcome=Outcome.REFUSED, message="refused", hint="curl -v URL"), Expected())
    assert (verdict.good, verdict.code, verdict.latency) == (False, None, None)
    assert verdict.line == "refused; curl -v 'https://vm.example.edu/app?***'"


def test_nothing_that_may_be_a_secret_in_a_url_is_shown() -> None:
    assert shown(URL) == "https://vm.example.edu/app?***"
    assert "secret" not in str(judge(URL, answer(), Expected()).to_json())


def test_the_json_says_it_all() -> None:
    assert judge("http://a/", answer(url="http://a/"), Expected()).after(2).to_json() == {
        "url": "http://a/",
        "good": True,
        "outcome": "Good",
        "message": "answered 200 in 0.043s",
        "hint": "",
        "code": 200,
        "latency": "0.043s",
        "attempts": 2,
    }


@pytest.mark.parametrize(
    "url", ["http://a", "https://vm.example.edu:8443/x?y=1", "http://[::1]:8010/", "http://127.0.0.1:8010/"]
)
def test_a_url_that_can_be_asked_is_not_refused(url: str) -> None:
    assert refusal(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "vm.example.edu",
        "ftp://a/",
        "file:///etc/passwd",
        "http://",
        "http://a:99999/",
        "http://a:0/",
        "http://[::1/",
        "http://a/\n",
        "http://a b/",
        "http://ada:pw@a/",
    ],
)
def test_one_that_cannot_is_refused_with_what_to_write(url: str) -> None:
    assert "write" in refusal(url)
    assert "pw" not in refusal(url)
