"""Alerts, sent to servers that speak Slack's and Telegram's documented protocol, with the faults they have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agent.alarm import Memory, Notice
from agent.chat import Channel, channels
from agent.errors import Broken
from agent.host import alarm_file, secret_file
from agent.host.messenger import send
from tests.chats import CANARY, Chats, Fault
from tests.ports import free_port
from tests.reports import NOW

SHORT = timedelta(seconds=5)


@pytest.fixture
def chats() -> Iterator[Chats]:
    with Chats() as chats:
        yield chats


@pytest.fixture(params=["slack", "telegram"])
def channel(request: pytest.FixtureRequest, chats: Chats) -> Channel:
    return next(each for each in channels(chats.settings) if each.name == request.param)


def test_a_message_arrives(channel: Channel, chats: Chats) -> None:
    assert send(channel, "vm-1 is <not> well") == ""
    assert chats.heard(channel.name) == ["vm-1 is <not> well"]


@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.BROKEN, Fault.HANGS_UP])
def test_a_fault_that_passes_costs_nothing_but_time(channel: Channel, chats: Chats, fault: Fault) -> None:
    chats.faults = [fault]

    assert send(channel, "a") == ""
    assert chats.heard(channel.name) == ["a"]
    assert len(chats.requests) == 2


def test_the_wait_that_is_asked_for_is_kept(channel: Channel, chats: Chats) -> None:
    chats.faults = [Fault.TOO_MANY]
    chats.retry_after = 2

    assert send(channel, "a") == ""
    first, second = chats.times
    assert second - first >= 2


def test_one_that_asks_for_more_than_there_is_is_left_alone(channel: Channel, chats: Chats) -> None:
    chats.faults = [Fault.TOO_MANY]
    chats.retry_after = 600

    said = send(channel, "a", deadline=SHORT)

    assert "answered 429" in said
    assert "wants to be left alone for 600 s" in said
    assert len(chats.requests) == 1


@pytest.mark.parametrize("fault", [Fault.HANGS, Fault.BROKEN, Fault.FORBIDDEN, Fault.REDIRECTS])
def test_what_does_not_pass_is_said_without_a_secret(channel: Channel, chats: Chats, fault: Fault) -> None:
    chats.faults = [fault] * 20

    said = send(channel, "a", deadline=timedelta(seconds=1.5))

    assert said.startswith(channel.name)
    assert CANARY not in said
    assert "\n" not in said
    assert not chats.heard(channel.name)


def test_one_that_is_not_there_is_said_without_a_secret(channel: Channel, chats: Chats) -> None:
    chats.stop()
    said = send(channel, "a", deadline=timedelta(milliseconds=500))
    assert "connection refused" in said
    assert CANARY not in said


def test_a_redirect_is_not_given_the_message(chats: Chats) -> None:
    elsewhere = channels({"SLACK_WEBHOOK_URL": f"http://127.0.0.1:{free_port()}/"})[0]
    chats.faults = [Fault.REDIRECTS]
    chats.elsewhere = elsewhere.url

    assert "answered 307" in send(channels(chats.settings)[0], "a")


def test_what_was_told_is_kept_and_nothing_is_kept_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "watch" / "vm-1.json"
    memory = Memory(since=NOW).after("slack", Notice.BEGINS, NOW)

    alarm_file.store(path, memory)
    assert alarm_file.load(path) == memory
    assert path.stat().st_mode & 0o777 == 0o600
    alarm_file.store(path, Memory())
    assert list(path.parent.iterdir()) == []
    assert alarm_file.load(path) == Memory()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"since": 5, "told": {}}', '{"since": "2026-01-01T00:00:00", "told": {}}', "{}"]
)
def test_a_memory_that_cannot_be_read_is_an_empty_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vm-1.json"
    path.write_text(text)
    assert alarm_file.load(path) == Memory()


def test_secrets_are_read_from_a_file_that_nobody_else_may_read(tmp_path: Path) -> None:
    path = tmp_path / "watch.env"
    path.write_text(f"# of the team\nexport A={CANARY}\nB = '{CANARY}=x'\n\n")
    path.chmod(0o600)
    assert secret_file.read(path) == {"A": CANARY, "B": f"{CANARY}=x"}

    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(Broken, match="chmod 600") as refused:
            secret_file.read(path)
        assert CANARY not in str(refused.value)
