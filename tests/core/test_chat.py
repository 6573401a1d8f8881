"""Messages for Slack and Telegram, and what their answers mean: the documented ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from agent.chat import Channel, channels, delivery
from agent.smoke import Answer, Outcome, Silence

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WEBHOOK = "https://hooks.slack.com/services/T000/B000/canary4711canary4711"
TOKEN = "123456:canary4711canary4711canary4711canar"  # noqa: S105
SETTINGS = {"SLACK_WEBHOOK_URL": WEBHOOK, "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_CHAT_ID": "-100"}
SLACK, TELEGRAM = channels(SETTINGS)


def answer(code: int, body: object = "ok", retry_after: str = "") -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(
        code=code, url="https://x/", body=text, whole=True, latency=timedelta(seconds=1), retry_after=retry_after
    )


def test_each_channel_that_is_set_is_used() -> None:
    assert channels({}) == channels({"SLACK_WEBHOOK_URL": "", "TELEGRAM_API_URL": "https://x"}) == ()
    assert [each.name for each in channels(SETTINGS)] == ["slack", "telegram"]
    assert TELEGRAM.url == f"https://api.telegram.org/bot{TOKEN}/sendMessage"
    own = channels({**SETTINGS, "TELEGRAM_API_URL": "http://127.0.0.1:8081/"})[1]
    assert own.url == f"http://127.0.0.1:8081/bot{TOKEN}/sendMessage"


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"TELEGRAM_BOT_TOKEN": TOKEN}, "set TELEGRAM_CHAT_ID as well"),
        ({"TELEGRAM_CHAT_ID": "1"}, "set TELEGRAM_BOT_TOKEN as well"),
        ({"TELEGRAM_BOT_TOKEN": "canary", "TELEGRAM_CHAT_ID": "1"}, "TELEGRAM_BOT_TOKEN is no token"),
        ({"TELEGRAM_BOT_TOKEN": f"{TOKEN}/../x", "TELEGRAM_CHAT_ID": "1"}, "TELEGRAM_BOT_TOKEN is no token"),
        ({**SETTINGS, "TELEGRAM_API_URL": "http://elsewhere.example"}, "TELEGRAM_API_URL is not an https URL"),
        ({"SLACK_WEBHOOK_URL": WEBHOOK.replace("https", "http")}, "SLACK_WEBHOOK_URL is not an https URL"),
        ({"SLACK_WEBHOOK_URL": f"{WEBHOOK}\n"}, "SLACK_WEBHOOK_URL is not an https URL"),
        ({"SLACK_WEBHOOK_URL": "https://[canary"}, "SLACK_WEBHOOK_URL is not an https URL"),
        ({"SLACK_WEBHOOK_URL": "canary"}, "SLACK_WEBHOOK_URL is not an https URL"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_its_value(settings: dict[str, str], word: str) -> None:
    with pytest.raises(ValueError, match=word) as refused:
        channels(settings)
    assert "canary" not in str(refused.value)


def test_a_channel_does_not_show_its_secrets() -> None:
    assert "canary" not in repr((SLACK, TELEGRAM))


def test_a_message_cannot_call_everybody_or_grow_too_long() -> None:
    assert SLACK.payload("a <!channel> & b") == {"text": "a &lt;!channel&gt; &amp; b"}
    sent = TELEGRAM.payload("a <b> & " + "x" * 9000)
    assert (sent["chat_id"], sent["text"][:8], len(sent["text"])) == ("-100", "a <b> & ", 3500)
    assert "parse_mode" not in sent


@pytest.mark.parametrize("channel", [SLACK, TELEGRAM])
def test_a_message_has_arrived_when_the_chat_says_so(channel: Channel) -> None:
    assert delivery(channel, answer(200, {"ok": True}), NOW) is None
    assert delivery(channel, answer(302, {"ok": True}), NOW)
    assert delivery(channel, answer(500, {"ok": True}), NOW)


@pytest.mark.parametrize("body", [{"ok": False}, "<html>a captive portal", "[]"])
def test_an_answer_that_is_not_telegram_s_yes_is_none(body: object) -> None:
    failed = delivery(TELEGRAM, answer(200, body), NOW)
    assert failed
    assert not failed.again


@pytest.mark.parametrize(
    ("channel", "seen", "word", "again"),
    [
        (SLACK, answer(400, "invalid_payload"), "slack answered 400: invalid_payload", False),
        (SLACK, answer(403, "action_prohibited"), "make a new one and set SLACK_WEBHOOK_URL", False),
        (SLACK, answer(404, "no_service"), "slack answered 404: no_service; the webhook is gone", False),
        (SLACK, answer(410, "channel_is_archived"), "channel_is_archived", False),
        (SLACK, answer(500, "rollup_error"), "slack answered 500: rollup_error", True),
        (TELEGRAM, answer(401, {"ok": False, "description": "Unauthorized"}), "Unauthorized; the token is not", False),
        (TELEGRAM, answer(400, {"description": "Bad Request: chat not found"}), "and set TELEGRAM_CHAT_ID", False),
        (TELEGRAM, answer(403, {"description": "Forbidden: bot was blocked by the user"}), "blocked", False),
        (TELEGRAM, answer(502, "<html>\033[2J"), "telegram answered 502: <html> [2J", True),
        (SLACK, Silence(outcome=Outcome.TIMED_OUT, message="late"), "slack: late", True),
        (SLACK, Silence(outcome=Outcome.REFUSED, message="refused"), "slack: refused", True),
        (SLACK, Silence(outcome=Outcome.TLS_FAILED, message="tls"), "slack: tls", False),
    ],
)
def test_a_message_that_did_not_arrive_is_said_and_sent_again_where_that_may_help(
    channel: Channel, seen: Answer | Silence, word: str, again: bool
) -> None:
    failed = delivery(channel, seen, NOW)

    assert failed
    assert word in failed.message
    assert failed.again is again


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("30", 30),
        ("Mon, 23 Nov 2026 09:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 08:00:00 GMT", 0),
        ("Mon, 23 Nov 2026 10:02:00 +0100", 120),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("9" * 40, 0),
    ],
)
def test_the_wait_a_chat_asks_for_is_understood(retry_after: str, seconds: int) -> None:
    failed = delivery(SLACK, answer(429, "rate_limited", retry_after), NOW)

    assert failed
    assert (failed.again, failed.wait) == (True, timedelta(seconds=seconds))


def test_telegram_says_the_wait_in_its_answer() -> None:
    body = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 7}}
    failed = delivery(TELEGRAM, answer(429, body), NOW)
    assert failed
    assert failed.wait == timedelta(seconds=7)
    assert delivery(TELEGRAM, answer(429, {"parameters": "no"}), NOW)


@pytest.mark.parametrize("channel", [SLACK, TELEGRAM])
def test_a_secret_that_comes_back_in_an_answer_is_not_told(channel: Channel) -> None:
    failed = delivery(channel, answer(404, f"nothing at {channel.url}"), NOW)
    assert failed
    assert "canary" not in failed.message
