"""Slack and Telegram: what a message looks like to each, and what each answers to it. Pure: host/web.py carries it.

Slack's incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
Telegram's Bot API: https://core.telegram.org/bots/api#sendmessage
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from .smoke import Answer, Outcome, Silence
from .status.redact import redact

SLACK, TOKEN, CHAT, API = "SLACK_WEBHOOK_URL", "TELEGRAM_BOT_TOKEN", "TELEGRAM_CHAT_ID", "TELEGRAM_API_URL"
VARIABLES = (SLACK, TOKEN, CHAT, API)

_TELEGRAM = "https://api.telegram.org"
_LONGEST = 3500  # characters: Telegram takes 4,096
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,200}")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_OK, _TOO_MANY, _SERVER_FAILED = 200, 429, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where to post. The URL is a secret itself."""

    name: str
    url: str = field(repr=False)
    secrets: frozenset[str] = field(repr=False)
    chat: str = ""

    def payload(self, text: str) -> dict[str, Any]:
        if self.name == "telegram":
            return {"chat_id": self.chat, "text": text[:_LONGEST], "link_preview_options": {"is_disabled": True}}
        escaped = text[:_LONGEST].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return {"text": escaped}


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """`again`: trying once more may help, not before `wait` is over."""

    message: str
    again: bool
    wait: timedelta = timedelta(0)


def channels(settings: Mapping[str, str]) -> tuple[Channel, ...]:
    """Those that are set. Raises ValueError, without a value, for what cannot be meant."""
    found = []
    if slack := settings.get(SLACK):
        _check(slack, SLACK, "https://hooks.slack.com/services/...")
        found.append(
            Channel(
                name="slack", url=slack, secrets=frozenset({slack, urlsplit(slack).path.removeprefix("/services/")})
            )
        )
    token, chat = settings.get(TOKEN), settings.get(CHAT)
    if bool(token) != bool(chat):
        raise ValueError(f"{TOKEN} and {CHAT} belong together: set {CHAT if token else TOKEN} as well")
    if token and chat:
        base = settings.get(API) or _TELEGRAM
        _check(base, API, _TELEGRAM)
        if not _TOKEN.fullmatch(token):
            raise ValueError(f"{TOKEN} is no token of a bot: @BotFather gives one such as 123456:ABC...")
        url = f"{base.rstrip('/')}/bot{token}/sendMessage"
        found.append(Channel(name="telegram", url=url, secrets=frozenset({token, url}), chat=chat))
    return tuple(found)


def _check(url: str, name: str, example: str) -> None:
    """A secret in it goes over TLS, or not out of this machine."""
    try:
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:
        safe = False
    if not safe or not url.isprintable() or " " in url:
        raise ValueError(f"{name} is not an https URL; it is such as {example}")


def delivery(channel: Channel, seen: Answer | Silence, now: datetime) -> Undelivered | None:
    """None when the message has arrived."""
    if isinstance(seen, Silence):
        # The hint is for apps. A certificate or a name that is wrong does not mend itself within a minute.
        again = seen.outcome not in {Outcome.TLS_FAILED, Outcome.NO_SUCH_NAME}
        return Undelivered(message=f"{channel.name}: {redact(seen.message, channel.secrets)}", again=again)
    if _arrived(channel, seen):
        return None
    words = redact(_words(seen), channel.secrets)
    message = f"{channel.name} answered {seen.code}: {words}{_hint(channel, seen.code)}"
    again = seen.code == _TOO_MANY or seen.code >= _SERVER_FAILED
    return Undelivered(message=message, again=again, wait=_wait(seen, now))


def _arrived(channel: Channel, answer: Answer) -> bool:
    if answer.code != _OK:
        return False
    return channel.name == "slack" or _document(answer).get("ok") is True


def _document(answer: Answer) -> dict[str, Any]:
    try:
        document = json.loads(answer.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _words(answer: Answer) -> str:
    words = str(_document(answer).get("description") or answer.body)
    line = " ".join("".join(each if each.isprintable() else " " for each in words).split())
    return line[:200] or "nothing more"


def _hint(channel: Channel, code: int) -> str:
    if channel.name == "slack" and code in {403, 404, 410}:
        return f"; the webhook is gone or forbidden: make a new one and set {SLACK}"
    if channel.name == "telegram" and code in {401, 404}:
        return f"; the token is not valid any more: ask @BotFather for it and set {TOKEN}"
    if channel.name == "telegram" and code in {400, 403}:
        return f"; write to the bot once, or add it to the group, and set {CHAT}"
    return ""


def _wait(answer: Answer, now: datetime) -> timedelta:
    """Retry-After (RFC 9110, 10.2.3): seconds or a date; Telegram says it in its answer as well."""
    parameters = _document(answer).get("parameters")
    said = parameters.get("retry_after") if isinstance(parameters, dict) else None
    text = str(said) if isinstance(said, int) else answer.retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return timedelta(seconds=int(text))
    try:
        return max(parsedate_to_datetime(text).astimezone(UTC) - now, timedelta(0))
    except (ValueError, OverflowError):
        return timedelta(0)
