"""The load itself: whatever a server does wrong is counted, once, and what it does right is not."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path

import pytest

from tests.load import fickle as does
from tests.load.crowd import Crowd, Visitor
from tests.load.fickle import Deed, fickle
from tests.load.http import Address
from tests.load.options import RELEASE
from tests.load.report import Outcome
from tests.load.visits import call, events, page
from tests.ports import LOOPBACK, free_port
from tests.process import Failed, run

NEW = Visitor(kind="new", visit=page("/"), keep=False)
KEEP = Visitor(kind="keep", visit=page("/"), keep=True)
STREAM = Visitor(kind="sse", visit=events("/", "event: end"), keep=False, lasting=True)
CALL = Visitor(kind="call", visit=call(0, ["x"]), keep=False)
ENDLESS = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"


def load(url: str, *visitors: Visitor, enough: Callable[[], bool]) -> Outcome:
    crowd = Crowd(Address.of(url), pause=0.005, release=re.compile(RELEASE))
    asyncio.run(crowd.come(list(visitors), enough))
    return Outcome(shots=tuple(crowd.shots), reopened=crowd.reopened)


def once() -> Callable[[], bool]:
    """Enough after one visit of one visitor."""
    answers = chain([False], repeat(True))
    return lambda: next(answers)


def of(deed: Deed) -> Callable[[bytes], Deed]:
    return lambda _: deed


@pytest.mark.parametrize("visitor", [NEW, KEEP], ids=lambda each: each.kind)
def test_of_a_server_that_answers_well_nothing_has_failed(visitor: Visitor) -> None:
    with fickle(of(does.well())) as server:
        outcome = load(server.url, visitor, visitor, enough=lambda: len(server.requests) >= 20)
    assert outcome.failed == []
    assert len(outcome.shots) == len(server.requests)
    assert {shot.release for shot in outcome.shots} == {"a"}
    assert outcome.reopened == 0


@pytest.mark.parametrize("visitor", [NEW, KEEP], ids=lambda each: each.kind)
@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (does.drops, "closed without an answer"),
        (does.resets, "connection lost: Connection reset by peer"),
        (does.says("HTTP/1.1 200 O", more=False), "truncated headers"),
        (does.says(ENDLESS, more=False), "truncated: the connection ended within the body (5 bytes)"),
        (does.streams("some", ends=False), "truncated: the connection ended within the body (0 bytes)"),
        (does.says("HTTP/1.1 503 Gone\r\nContent-Length: 4\r\n\r\nsoon"), "status 503 soon"),
        (does.says("hello?\r\n\r\n"), "no HTTP: 'hello?'"),
        (does.says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), "an answer that makes no sense"),
        (does.stalls, "hung: waited 2 s for the answer"),
    ],
    ids=["drop", "reset", "half headers", "half body", "half chunks", "503", "no HTTP", "no chunk", "hung"],
)
def test_every_fifth_request_is_failed_and_each_is_counted_once(visitor: Visitor, deed: Deed, told: str) -> None:
    misdeeds: list[bytes] = []

    def play(request: bytes) -> Deed:
        if len(server.requests) % 5:
            return does.well()
        misdeeds.append(request)
        return deed

    with fickle(play) as server:
        outcome = load(server.url, visitor, enough=lambda: len(misdeeds) >= 2)
    assert len(outcome.failed) == len(misdeeds) == 2
    assert all(shot.failure.startswith(told) for shot in outcome.failed)
    assert len(outcome.shots) == len(server.requests)


def test_a_refused_connection_is_a_failed_request() -> None:
    outcome = load(f"http://{LOOPBACK}:{free_port()}", NEW, enough=once())
    assert [shot.failure for shot in outcome.shots] == ["no connection: Connection refused"]


def test_a_connection_that_nobody_accepts_is_a_hung_request() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        outcome = load(f"http://{LOOPBACK}:{listener.getsockname()[1]}", NEW, enough=once())
    assert [shot.failure for shot in outcome.shots] == ["hung: waited 2 s for the answer"]


def test_a_kept_connection_closed_while_idle_is_no_failure_and_is_counted() -> None:
    closes = does.says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", more=False)
    with fickle(of(closes)) as server:
        outcome = load(server.url, KEEP, enough=lambda: len(server.requests) >= 10)
    assert outcome.reopened >= 8
    assert all(
        shot.failure in {"", "closed without an answer", "connection lost: Broken pipe"} for shot in outcome.shots
    )


def test_a_server_that_says_close_is_not_asked_again_on_that_connection() -> None:
    closes = does.says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", more=False)
    with fickle(of(closes)) as server:
        outcome = load(server.url, KEEP, enough=lambda: len(server.requests) >= 10)
    assert (outcome.failed, outcome.reopened) == ([], 0)


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (does.streams("data: 1\n\n", "event: end\ndata: 2\n\n"), ""),
        (does.streams("data: 1\n\n"), "a stream without its last event"),
        (does.streams("data: 1\n\n", "event: end\n\n", ends=False), "truncated: the connection ended within the body"),
        (does.streams("data: 1\n\n", ends=False, then=does.stalls), "hung: waited 2 s for the next byte of a stream"),
        (does.stalls, "hung: waited 2 s for the next byte of a stream"),
        (does.resets, "connection lost: Connection reset by peer"),
    ],
    ids=["whole", "no last event", "cut", "falls silent", "never begins", "reset"],
)
def test_a_stream_must_come_to_its_end_without_falling_silent(deed: Deed, told: str) -> None:
    with fickle(of(deed)) as server:
        outcome = load(server.url, STREAM, enough=once())
    (shot,) = outcome.shots
    assert shot.failure.startswith(told)
    assert bool(shot.failure) == bool(told)


def gradio(*told: dict[str, object], join: Deed | None = None) -> Callable[[bytes], Deed]:
    joined = join or does.well('{"event_id": "e1"}')
    data = does.streams(*(f"data: {json.dumps(each)}\n\n" for each in told))
    return lambda request: joined if request.startswith(b"POST /gradio_api/queue/join") else data


DONE = {"msg": "process_completed", "event_id": "e1", "success": True, "output": {"data": ["100", "v1"]}}


@pytest.mark.parametrize(
    ("play", "told"),
    [
        (gradio({"msg": "estimation"}, DONE, {"msg": "close_stream"}), ""),
        (gradio({"msg": "estimation"}), "queue/data ended before the call was completed"),
        (gradio(DONE | {"event_id": "another"}), "queue/data ended before the call was completed"),
        (gradio(DONE | {"success": False, "output": {"error": "no"}}), "the call failed: {'error': 'no'}"),
        (gradio({"msg": "unexpected_error", "message": "gone"}), "unexpected_error: gone"),
        (gradio(join=does.says("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")), "status 404"),
        (gradio(join=does.stalls), "hung: waited 2 s for "),
    ],
    ids=["done", "no end", "another's end", "no success", "unexpected", "404", "hung"],
)
def test_a_call_of_gradio_counts_only_with_its_own_result(play: Callable[[bytes], Deed], told: str) -> None:
    with fickle(play) as server:
        outcome = load(server.url, CALL, enough=once())
    (shot,) = outcome.shots
    assert shot.failure.startswith(told)
    assert bool(shot.failure) == bool(told)


def test_the_program_tells_what_failed_and_ends_with_1(tmp_path: Path) -> None:
    out, stop = tmp_path / "out.json", tmp_path / "stop"

    def play(_: bytes) -> Deed:
        if len(server.requests) == 30:
            stop.touch()
        return does.drops if len(server.requests) == 20 else does.well()

    with fickle(play) as server:
        begun = time.time()
        arguments = (server.url, "--until-file", stop, "--json", out, "--pause", "0.01", "--new", "2", "--keep", "1")
        with pytest.raises(Failed) as failed:
            run(sys.executable, "-m", "tests.load", *arguments)
    assert failed.value.code == 1
    assert "closed without an answer" in failed.value.out
    outcome = Outcome.read(out)
    document = json.loads(out.read_text())
    assert len(outcome.shots) == len(server.requests) == sum(row["total"] for row in document["kinds"].values())
    assert len(outcome.failed) == 1
    assert [row["release"] for row in document["releases"]] == ["a"]
    assert all(begun <= shot.begun <= shot.ended <= time.time() for shot in outcome.shots)
    assert outcome.within(begun - 10, begun - 5) == []
    assert len(outcome.within(begun, time.time())) == len(outcome.shots)


def test_usage_that_cannot_be_meant_is_told_in_one_line() -> None:
    with pytest.raises(Failed) as failed:
        run(sys.executable, "-m", "tests.load", "127.0.0.1:80", "--seconds", "1")
    assert failed.value.code == 64
    assert failed.value.err == "load: 127.0.0.1:80 is not http://HOST:PORT\n"
