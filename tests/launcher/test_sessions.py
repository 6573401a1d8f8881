"""Two releases of a Gradio app, and sessions that began at one of them."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import pytest

from agent.launcher import HTTP
from tests.launcher.gradio import Caller, completed
from tests.launcher.stage import Release, Stage, Unix
from tests.waiting import wait_for

pytestmark = pytest.mark.app
DEMO = ("gradio", "demo.py")


@pytest.fixture
def pair(stage: Stage, gradio_python: Path) -> tuple[Release, Release]:
    """The first one accepts. Their grace is so long that a stop which waited for it would never be seen."""
    stage.promote("first")
    first = stage.start("first", gradio_python, *DEMO, grace=1000)
    second = stage.start("second", gradio_python, *DEMO, grace=1000)
    return first.ready(), second.ready()


def switch(old: Release, new: Release) -> None:
    assert new.order(f"accept {old.private}") == "accepting"
    assert old.order("rest") == "resting"


def pid(said: str) -> int:
    return int(said.rsplit(maxsplit=1)[-1])


def test_a_session_stays_where_it_began_until_that_release_ends(stage: Stage, pair: tuple[Release, Release]) -> None:
    first, second = pair
    caller = Caller(stage.client, "began")
    functions = caller.functions()
    assert caller.press(functions["count"], None)[1:] == [f"1 {first.pid}"]
    assert caller.join(functions["who"], "before") == 200

    switch(first, second)

    assert caller.fetch() == [f"before {first.pid}"]
    assert caller.press(functions["count"], None)[1:] == [f"2 {first.pid}"]
    assert Caller(stage.client, "new").press(functions["who"], "x") == [f"x {second.pid}"]

    first.terminate()
    assert first.exit_code() == 0
    assert caller.press(functions["count"], None)[1:] == [f"1 {second.pid}"]


def test_what_was_asked_with_curl_before_a_switch_is_fetched_after_it(
    stage: Stage, pair: tuple[Release, Release]
) -> None:
    first, second = pair
    caller = Caller(stage.client, "")
    event = caller.call("who", "before")

    switch(first, second)
    first.terminate()

    assert f"before {first.pid}" in caller.result("who", event)
    assert f"after {second.pid}" in caller.result("who", caller.call("who", "after"))
    assert first.exit_code() == 0


def test_a_stream_that_began_at_the_old_release_comes_to_its_end_though_that_one_is_told_to_stop(
    stage: Stage, pair: tuple[Release, Release]
) -> None:
    first, second = pair
    caller = Caller(stage.client, "began")
    functions = caller.functions()
    assert caller.join(functions["numbers"], 15) == 200
    begun = caller.stream()
    late = Caller(stage.client, "late")
    assert late.join(functions["numbers"], 15) == 200

    switch(first, second)
    fetched = late.stream()  # by way of the second
    first.terminate()

    assert completed(begun) == [f"14 {first.pid}"]
    assert completed(fetched) == [f"14 {first.pid}"]
    assert first.exit_code() == 0
    assert "Traceback" not in first.output + second.output


def test_a_kept_connection_to_the_resting_release_begins_no_session_there(
    stage: Stage, pair: tuple[Release, Release]
) -> None:
    first, second = pair
    kept = stage.client()
    functions = Caller(lambda: kept, "").functions()

    switch(first, second)

    assert Caller(lambda: kept, "new").join(functions["who"], "x") == 200  # of which the first knows nothing
    assert Caller(stage.client, "new").fetch() == [f"x {second.pid}"]


def test_going_back_keeps_the_sessions_of_both(stage: Stage, pair: tuple[Release, Release]) -> None:
    first, second = pair
    old, young = Caller(stage.client, "old"), Caller(stage.client, "young")
    functions = old.functions()
    old.press(functions["count"], None)
    switch(first, second)
    young.press(functions["count"], None)

    switch(second, first)

    assert young.press(functions["count"], None)[1:] == [f"2 {second.pid}"]
    assert old.press(functions["count"], None)[1:] == [f"2 {first.pid}"]
    assert Caller(stage.client, "new").press(functions["who"], "x") == [f"x {first.pid}"]


def test_a_third_release_in_a_row_still_finds_the_home_of_a_session(
    stage: Stage, pair: tuple[Release, Release], gradio_python: Path
) -> None:
    first, second = pair
    caller = Caller(stage.client, "began")
    functions = caller.functions()
    caller.press(functions["count"], None)
    switch(first, second)

    switch(second, stage.start("third", gradio_python, *DEMO).ready())

    assert caller.press(functions["count"], None)[1:] == [f"2 {first.pid}"]


def test_a_release_whose_elder_was_killed_answers_itself(stage: Stage, pair: tuple[Release, Release]) -> None:
    first, second = pair
    caller = Caller(stage.client, "began")
    functions = caller.functions()
    caller.press(functions["count"], None)
    switch(first, second)

    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: not first.running, "the end of the elder")

    assert caller.press(functions["count"], None)[1:] == [f"1 {second.pid}"]


def test_a_client_that_leaves_a_handed_on_stream_has_left_it_at_its_home(
    stage: Stage, pair: tuple[Release, Release]
) -> None:
    first, second = pair
    caller = Caller(stage.client, "began")
    functions = caller.functions()
    assert caller.join(functions["numbers"], 1000) == 200
    switch(first, second)
    stream = caller.stream()
    assert stream.read(10)

    stage.hang_up()
    first.terminate()

    assert first.exit_code() == 0  # long before its grace is over, as nobody listens any more


def test_open_tabs_hold_up_no_stop(stage: Stage, pair: tuple[Release, Release]) -> None:
    first, second = pair
    tab = stage.client()
    tab.request("GET", "/gradio_api/heartbeat/began")
    assert tab.getresponse().read(4) == b"data"
    switch(first, second)
    handed_on = stage.client()
    handed_on.request("GET", "/gradio_api/heartbeat/began")
    assert handed_on.getresponse().read(4) == b"data"

    first.terminate()

    assert first.exit_code() == 0
    assert "Traceback" not in first.output + second.output


def test_the_name_of_a_session_cannot_give_orders(stage: Stage, pair: tuple[Release, Release]) -> None:
    first, second = pair
    switch(first, second)

    for path in ("heartbeat/x%0Aaccept%0A", "call/who/x%0Aaccept%0A", "queue/data?session_hash=x%0Aaccept%0A"):
        client = stage.client()
        client.request("GET", f"/gradio_api/{path}")
        assert client.getresponse().status

    assert (first.order("state"), second.order("state")) == ("resting", "accepting")


def test_a_page_in_an_asgi_app_keeps_its_sessions_too(stage: Stage, gradio_python: Path) -> None:
    stage.promote("first")
    first = stage.start("first", gradio_python, "asgi", "site_and_demo:app").ready()
    second = stage.start("second", gradio_python, "asgi", "site_and_demo:app").ready()
    caller = Caller(stage.client, "began", prefix="/demo/gradio_api")
    functions = caller.functions()
    assert caller.join(functions["who"], "before") == 200

    switch(first, second)

    assert caller.fetch() == [f"before {first.pid}"]
    assert Caller(stage.client, "new", prefix="/demo/gradio_api").press(functions["who"], "x") == [f"x {second.pid}"]


def test_probes_over_the_private_socket_are_answered_by_the_release_itself(pair: tuple[Release, Release]) -> None:
    _, second = pair
    with closing(Unix(second.private / HTTP)) as connection:
        probe = Caller(lambda: connection, "probe")
        assert probe.press(probe.functions()["who"], "x") == [f"x {second.pid}"]
