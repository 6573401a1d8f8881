"""A release by itself: where it answers when, what it says, how it ends."""

from __future__ import annotations

import json
import socket
import threading
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from agent import launcher
from tests.launcher.stage import ANSWER, APPS, Stage, Unix, connect
from tests.process import Background, run
from tests.waiting import wait_for

pytestmark = pytest.mark.app
API = ("asgi", "api:app")


def test_a_release_answers_in_private_until_it_is_told_to_accept(stage: Stage, web_python: Path) -> None:
    stage.promote("another")
    release = stage.start("new", web_python, *API).ready()

    assert "STATUS=resting" in release.notices()
    assert release.get("/slow")[0] == 200
    waiting = stage.client()
    waiting.request("GET", "/slow")  # in the backlog: the socket is held, nobody accepts
    assert release.order("state") == "resting"

    assert release.order("accept") == "accepting"
    assert waiting.getresponse().status == 200
    release.told("STATUS=accepting")


def test_the_release_that_current_names_accepts_by_itself(stage: Stage, web_python: Path) -> None:
    stage.promote("live")
    release = stage.start("live", web_python, *API).ready()

    assert "STATUS=accepting" in release.notices()
    assert stage.get("/slow")[0] == 200


def test_a_resting_release_finishes_closes_what_is_kept_open_and_can_accept_again(
    stage: Stage, web_python: Path
) -> None:
    stage.promote("live")
    release = stage.start("live", web_python, *API).ready()
    kept, busy = stage.client(), stage.client()
    kept.request("GET", "/slow")
    assert kept.getresponse().read()
    busy.request("GET", "/events?count=10")
    events = busy.getresponse()

    assert release.order("rest") == "resting"
    kept.request("GET", "/slow")
    answer = kept.getresponse()
    assert (answer.status, answer.getheader("connection")) == (200, "close")
    assert events.read().endswith(b"event: end\n\n")

    assert release.order("accept") == "accepting"
    assert stage.get("/slow")[0] == 200


def test_what_was_asked_is_answered_before_the_end(stage: Stage, web_python: Path) -> None:
    stage.promote("live")
    release = stage.start("live", web_python, *API).ready()
    busy = stage.client()
    busy.request("GET", "/events?count=15")
    events = busy.getresponse()

    release.terminate()
    release.told("STATUS=draining")
    assert release.order("accept").startswith("error: ")
    assert events.read().endswith(b"event: end\n\n")

    assert release.exit_code() == 0
    assert "STOPPING=1" in release.notices()
    assert "the lifespan has ended" in release.output
    assert "Traceback" not in release.output


def test_a_stop_leaves_a_second_of_the_grace_to_the_app_when_work_does_not_end(stage: Stage, web_python: Path) -> None:
    stage.promote("live")
    release = stage.start("live", web_python, *API, grace=3).ready()
    busy = stage.client()
    busy.request("GET", "/events?count=1000")
    busy.getresponse()

    release.terminate()

    assert release.exit_code(within=timedelta(seconds=30)) == 0
    assert "launcher: work was still in flight after 1.5 s; giving it up\n" in release.output
    assert "the lifespan has ended" in release.output
    assert "Traceback" not in release.output


@pytest.mark.parametrize("way", ["slow-shutdown", "blocked-shutdown", "task", "thread", "request", "stubborn-request"])
def test_what_does_not_end_costs_the_grace_and_no_more_and_is_still_a_clean_stop(
    stage: Stage, web_python: Path, way: str
) -> None:
    stage.promote("live")
    release = stage.start("live", web_python, "asgi", "endless:app", grace=3).ready()
    asked = stage.client()
    asked.request("GET", f"/{way}")
    assert asked.getresponse().status == 200

    told = monotonic()
    release.terminate()

    assert release.exit_code(within=timedelta(seconds=30)) == 0
    assert monotonic() - told < 6  # without the guard: never; that systemd need not kill it, test_bad_pushes.py shows
    if "shutdown" not in way:
        assert "the lifespan has ended" in release.output


def test_a_thread_that_works_on_is_waited_for_within_the_grace(stage: Stage, web_python: Path, tmp_path: Path) -> None:
    release = stage.start("new", web_python, *API, grace=20).ready()
    release.get(f"/later?path={tmp_path / 'written'}")

    release.terminate()

    assert release.exit_code() == 0
    assert (tmp_path / "written").exists()


def test_an_idle_connection_does_not_hold_up_a_stop_until_the_grace_is_over(stage: Stage, web_python: Path) -> None:
    stage.promote("live")
    release = stage.start("live", web_python, *API, grace=1000).ready()
    kept = stage.client()
    kept.request("GET", "/slow")
    kept.getresponse().read()

    release.terminate()

    assert release.exit_code() == 0


def test_a_deep_private_directory_is_made_for_this_user_and_dead_sockets_in_it_are_replaced(
    stage: Stage, web_python: Path, tmp_path: Path
) -> None:
    private = tmp_path / ("d" * 100) / "private"
    private.mkdir(mode=0o700, parents=True)
    (private / launcher.HTTP).touch()

    release = stage.start("new", web_python, *API, private=private).ready()
    assert release.get("/slow")[0] == 200
    assert {oct((private / name).stat().st_mode & 0o777) for name in (launcher.HTTP, launcher.CONTROL)} == {"0o600"}

    other = stage.start("other", web_python, *API).ready()
    assert other.private.stat().st_mode & 0o777 == 0o700


def test_an_order_that_is_not_known_is_answered_with_the_known_ones(stage: Stage, web_python: Path) -> None:
    release = stage.start("new", web_python, *API).ready()

    assert release.order("acept") == "error: acept is not known; say accept, rest or state"
    with connect(release.private / launcher.CONTROL) as control:
        control.sendall(b"x" * 100_000)
        control.shutdown(1)
        while control.recv(100):
            pass
    assert release.order("state") == "resting"


def test_the_watchdog_is_fed_by_the_loop_that_serves(stage: Stage, web_python: Path) -> None:
    release = stage.start("new", web_python, *API, WATCHDOG_USEC="300000").ready()

    fed = release.notices().count("WATCHDOG=1")
    wait_for(lambda: release.notices().count("WATCHDOG=1") > fed + 2, "the watchdog to be fed")


def test_small_answers_on_a_kept_connection_do_not_wait_for_acknowledgements(stage: Stage, web_python: Path) -> None:
    """TCP_NODELAY, read off the connection itself: without it each costs 40 ms."""
    stage.promote("live")
    release = stage.start("live", web_python, "asgi", "api:nodelay").ready()

    assert json.loads(stage.get("/")[1]) == 1
    assert release.running


def test_requests_are_answered_side_by_side(stage: Stage, web_python: Path) -> None:
    stage.promote("live")
    stage.start("live", web_python, "wsgi", "shop:app").ready()
    answers: list[bytes] = []
    meeting = [threading.Thread(target=lambda: answers.append(stage.get("/meet")[1])) for _ in range(8)]
    for each in meeting:
        each.start()
    for each in meeting:
        each.join()

    assert answers == [b"met"] * 8


def test_a_flask_app_streams_and_keeps_its_module_though_ours_has_the_same_name(stage: Stage, web_python: Path) -> None:
    release = stage.start("new", web_python, "wsgi", "shop:app").ready()

    assert json.loads(release.get("/?name=caf%C3%A9")[1]) == {
        "pid": release.pid,
        "control": "the app's",
        "name": "café",
    }
    assert release.get("/events?count=3")[1].count(b"data: ") == 3
    upload = Unix(release.private / launcher.HTTP)
    upload.request("POST", "/size", b"x" * 3_000_000)
    assert upload.getresponse().read() == b"3000000"
    upload.close()


def test_an_app_under_the_oldest_python_is_served_with_what_it_is_lent(stage: Stage, oldest_python: Path) -> None:
    stage.promote("live")
    release = stage.start("live", oldest_python, "wsgi", "shop:app").ready()

    assert json.loads(stage.get("/slow")[1]) == {"pid": release.pid}
    assert release.order("rest") == "resting"
    release.terminate()
    assert release.exit_code() == 0
    assert release.output == ""


@pytest.mark.parametrize("target", ["api:create()", "api:bare"])
def test_factories_and_apps_that_know_no_lifespan_are_served(stage: Stage, web_python: Path, target: str) -> None:
    release = stage.start("new", web_python, "asgi", target).ready()

    assert release.get("/")[0] == 200
    release.terminate()
    assert release.exit_code() == 0


def test_the_app_sees_nothing_of_the_launcher(stage: Stage, web_python: Path) -> None:
    release = stage.start("new", web_python, *API, WATCHDOG_USEC="30000000").ready()

    seen = json.loads(release.get("/")[1])
    assert (seen["argv"], seen["path"]) == (["api:app"], str(Path(__file__).parent / "apps"))
    assert not {name for name in seen["environment"] if name.startswith("LISTEN_")}


def test_what_an_app_says_of_itself_is_passed_on_and_when_it_is_ready_is_the_launcher_s_word(
    stage: Stage, web_python: Path
) -> None:
    stage.promote("another")
    release = stage.start("new", web_python, "asgi", "speaking:talkative()", WATCHDOG_USEC="30000000")

    release.ready()
    release.get("/trigger")
    release.told("WATCHDOG=trigger")
    release.terminate()
    assert release.exit_code() == 0
    told = release.notices()
    assert {f"STATUS=line {number}" for number in range(100)} <= set(told)
    assert told.count("READY=1") == 1
    assert "MAINPID=1" not in told
    assert "STATUS=goodbye" in told


def test_the_last_words_of_an_app_that_ends_itself_are_heard(stage: Stage, web_python: Path) -> None:
    release = stage.start("new", web_python, "asgi", "speaking:refusing()")

    release.told("STATUS=refused: no colour")
    assert release.exit_code() == launcher.EX_CONFIG


def test_what_the_venv_has_itself_is_used_and_only_the_rest_is_lent(
    stage: Stage, web_python: Path, own_python: Path
) -> None:
    lent = json.loads(stage.start("lent", web_python, *API).ready().get("/modules")[1])
    assert lent["uvicorn"].startswith(str(stage.launcher))
    assert lent["click"].startswith(str(web_python.parents[1]))  # Flask's own

    own = json.loads(stage.start("own", own_python, *API).ready().get("/modules")[1])
    assert own["uvicorn"].startswith(str(own_python.parents[1]))
    assert own["sdnotify"].startswith(str(stage.launcher))


def test_web_sockets_work_where_the_venv_has_a_library_for_them(stage: Stage, web_python: Path) -> None:
    release = stage.start("new", web_python, *API).ready()

    assert run(web_python, APPS / "talk.py", release.private / launcher.HTTP) == "hello\n"
    said = stage.scratch / "said"
    talk = Background(web_python, APPS / "talk.py", release.private / launcher.HTTP, "--stay", log=said)
    wait_for(lambda: "hello" in said.read_text(), "the talk to begin")
    release.terminate()
    assert release.exit_code() == 0
    assert talk.wait(ANSWER) == 1
    assert "1012 (service restart)" in said.read_text()
    assert "Traceback" not in release.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("asgi", "api"), "write module:name"),
        (("asgi", "api:nothing"), "has no attribute 'nothing'"),
        (("asgi", "shop:app"), "write wsgi: 'shop:app'"),
        (("wsgi", "api:app"), "write asgi: 'api:app'"),
        (("wsgi", "shop:os"), "shop:os is a module"),
        (("gradio", "nothing.py"), "nothing.py: No such file or directory"),
        (("gradio", "control.py"), "without calling launch()"),
        (("cgi", "x"), "invalid choice: 'cgi'"),
    ],
)
def test_what_can_never_start_is_refused_with_what_to_write(
    stage: Stage, web_python: Path, words: tuple[str, str], said: str
) -> None:
    release = stage.start("new", web_python, *words)

    assert release.exit_code() == launcher.EX_CONFIG
    assert said in release.output
    assert release.output.count("\n") == 1
    assert [line for line in release.notices() if line.startswith("STATUS=refused: ") and said in line]


def test_a_release_without_the_held_socket_says_so(stage: Stage, web_python: Path) -> None:
    release = stage.start("new", web_python, *API, held=False)

    assert release.exit_code() == launcher.EX_CONFIG
    assert "LISTEN_FDS" in release.output


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("asgi", "failing:app"), "ZeroDivisionError: division by zero"),
        (("wsgi", "failing:app"), "ZeroDivisionError: division by zero"),
        (("gradio", "failing.py"), "ZeroDivisionError: division by zero"),
        (("asgi", "api:lying()"), "READY=1 or not"),
        (("asgi", "missing:app"), "ModuleNotFoundError: No module named 'missing'"),
        (("asgi", "api:broken_start()"), "RuntimeError: the database is not there"),
    ],
)
def test_an_app_that_fails_to_start_is_shown_in_its_own_words(
    stage: Stage, web_python: Path, words: tuple[str, str], status: str
) -> None:
    release = stage.start("new", web_python, *words)

    assert release.exit_code() == 1
    assert [line for line in release.notices() if line.startswith("STATUS=") and status in line]
    assert status in release.output
    assert str(stage.launcher) not in release.output
    assert "READY=1" not in release.notices()


@pytest.mark.parametrize(
    ("target", "last"),
    [
        (
            "several_lines()",
            "ValueError: 1 validation error for Settings MOODS Field required see https://errors.example.org",
        ),
        ("foreign()", "ValueError: Schlüssel fehlt → 鍵がない"),
        ("leaving()", "set MOODS to a number"),
        ("chatty()", "ValueError: no moods"),
        ("stuck", "ValueError: no moods in 2 tables"),
    ],
)
def test_the_last_status_is_the_cause_on_one_line(stage: Stage, web_python: Path, target: str, last: str) -> None:
    release = stage.start("new", web_python, "asgi", f"causes:{target}")

    release.told(f"STATUS={last}")
    assert release.exit_code(within=timedelta(seconds=30)) == 1
    assert [line for line in release.notices() if line.startswith("STATUS=")][-1] == f"STATUS={last}"


def test_a_cause_is_never_longer_than_systemd_hears(stage: Stage, web_python: Path) -> None:
    release = stage.start("new", web_python, "asgi", "causes:long()")

    assert release.exit_code() == 1
    cause = release.notices()[-1]
    assert cause.startswith("STATUS=ValueError: →→→")
    assert 2900 < len(cause.encode()) < 4096


@pytest.mark.parametrize("when", ["at_once", "wrapped", "at_its_start"])
def test_an_app_that_opens_a_port_which_is_in_use_ends_with_a_status_of_its_own(
    stage: Stage, web_python: Path, when: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own = {"OWN_PORT": str(taken.getsockname()[1])}
        crowded = stage.start("new", web_python, "asgi", f"greedy:{when}()", **own)
        assert crowded.exit_code() == launcher.EX_PORT_IN_USE
    assert "Address already in use" in crowded.output

    assert stage.start("alone", web_python, "asgi", f"greedy:{when}()", **own).ready().order("state") == "resting"
