"""A server that speaks to both kinds of bots as Slack and Telegram document it, and fails in the ways they fail.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, https://core.telegram.org/bots/api#making-requests
"""

from __future__ import annotations

import html
import json
import threading
import time
from enum import Enum, auto
from typing import Self

from tests.httpstage import Reply, Request, Stage

CANARY = "canary4711canary4711canary4711canar"
HOOK = f"/services/T000/B000/{CANARY}"
BOT = f"123456:{CANARY}"


class Fault(Enum):
    TOO_MANY = auto()
    BROKEN = auto()
    FORBIDDEN = auto()
    REDIRECTS = auto()
    HANGS = auto()
    HANGS_UP = auto()


class Chats:
    """`faults`: what happens to the next requests, one each; after them all is well."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.retry_after = 1
        self.elsewhere = "/elsewhere"
        self.times: list[float] = []
        self._heard: list[tuple[str, str]] = []
        self._over = threading.Event()
        self._stage = Stage(self._play)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.stop()

    def stop(self) -> None:
        if self._stage:
            self._stage.stop()
            self._stage = None

    @property
    def settings(self) -> dict[str, str]:
        """The environment of somebody who wants to be told here."""
        return {**self.slack, **self.telegram}

    @property
    def slack(self) -> dict[str, str]:
        return {"SLACK_WEBHOOK_URL": f"{self._stage.url}{HOOK}"}

    @property
    def telegram(self) -> dict[str, str]:
        return {"TELEGRAM_BOT_TOKEN": BOT, "TELEGRAM_CHAT_ID": "-100200", "TELEGRAM_API_URL": self._stage.url}

    @property
    def requests(self) -> list[Request]:
        return self._stage.requests

    def heard(self, channel: str) -> list[str]:
        """What people read there, oldest first."""
        return [text for name, text in self._heard if name == channel]

    def _play(self, request: Request) -> Reply:
        self.times.append(time.monotonic())
        slack = request.path == HOOK
        assert request.method == "POST"
        assert request.headers["Content-Type"] == "application/json"
        if self.faults:
            return self._fault(self.faults.pop(0), slack=slack)
        if slack:
            self._heard.append(("slack", html.unescape(request.json["text"])))
            return Reply(body=b"ok")
        if request.path != f"/bot{BOT}/sendMessage" or request.json["chat_id"] != "-100200":
            return _no(404, "Not Found")
        self._heard.append(("telegram", request.json["text"]))
        return Reply(body=b'{"ok":true,"result":{"message_id":1}}')

    def _fault(self, fault: Fault, *, slack: bool) -> Reply:
        match fault:
            case Fault.TOO_MANY if slack:
                return Reply(429, b"rate_limited", {"Retry-After": str(self.retry_after)})
            case Fault.TOO_MANY:
                return _no(429, "Too Many Requests", parameters={"retry_after": self.retry_after})
            case Fault.BROKEN:
                return Reply(500, b"rollup_error") if slack else _no(502, "Bad Gateway")
            case Fault.FORBIDDEN:
                return Reply(404, HOOK.encode()) if slack else _no(401, f"Unauthorized {BOT}")
            case Fault.REDIRECTS:
                return Reply(307, b"", {"Location": self.elsewhere})
            case Fault.HANGS:
                self._over.wait(60)
        raise ConnectionAbortedError  # the connection ends without a word


def _no(code: int, description: str, **fields: object) -> Reply:
    return Reply(code, json.dumps({"ok": False, "error_code": code, "description": description, **fields}).encode())
