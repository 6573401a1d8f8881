"""Who comes while nothing can answer: told so, after no longer than it takes to see that a restart will not do."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from agent.host import files
from agent.host.traffic import Traffic
from agent.release import Release
from tests.contract.harness import process_of
from tests.contract.real import RealHarness
from tests.ports import LOOPBACK, free_port

pytestmark = pytest.mark.usefixtures("agent", "clean")


@pytest.fixture
def clean(real: RealHarness) -> Iterator[None]:
    """Nothing is promoted, stopped or known, before and afterwards."""
    real.paths.state.mkdir(parents=True, exist_ok=True)
    since, told = real.paths.launched / "away" / "since", real.paths.state / "status.json"

    def clear() -> None:
        for path in (real.paths.current, real.paths.stopped, told, since):
            path.unlink(missing_ok=True)

    clear()
    yield
    clear()


def visit(release: Release) -> tuple[int, str]:
    """What a visitor is answered who waits for a minute."""
    with closing(http.client.HTTPConnection(LOOPBACK, release.spec.service.port, timeout=60)) as visitor:
        visitor.request("GET", "/")
        answer = visitor.getresponse()
        return answer.status, answer.read().decode()


def promote(real: RealHarness, release: Release) -> None:
    files.link(real.paths.current, f"releases/{release.id}")


def started(real: RealHarness, release: Release) -> None:
    real.services.install(release)
    real.services.start(release)


def loop(real: RealHarness, release: Release) -> None:
    """Started, and started again because it crashed."""
    started(real, release)
    real.wait(lambda: (each := process_of(real, release)) and each.restarts >= 2, "a second restart")


def crashing(real: RealHarness) -> Release:
    release = real.make_launched(port=free_port())
    (real.paths.tree(release.id) / "crashes").touch()
    return release


def it_is_long_down(real: RealHarness) -> None:
    """As the page has noted it: nothing has answered for minutes."""
    files.write(real.paths.launched / "away" / "since", f"{time.time() - 300}")


def told_reason(real: RealHarness, reason: str) -> None:
    conditions = [{"type": "Ready", "status": "False", "reason": reason, "message": "for the owner"}]
    (real.paths.state / "status.json").write_text(json.dumps({"conditions": conditions}))


def test_a_visitor_of_a_stopped_app_is_told_so(real: RealHarness):
    release = real.make_launched(port=free_port())
    promote(real, release)
    started(real, release)
    real.wait(lambda: Traffic(real.paths).accepts(release.id), "the app")
    real.paths.stopped.touch()
    real.services.stop(release.id)
    assert visit(release) == (503, "The app was stopped.\n")


def test_where_nothing_runs_and_nothing_ever_did_a_visitor_is_told_the_reason(real: RealHarness):
    release = real.make_launched(port=free_port())
    told_reason(real, "BuildFailed")
    real.services.install(release)
    assert visit(release) == (503, "No version of the app has been healthy here yet (BuildFailed).\n")


def test_between_the_restarts_of_a_first_release_that_crashes_a_visitor_is_told_so(real: RealHarness):
    release = crashing(real)
    loop(real, release)
    assert visit(release) == (503, "No version of the app has been healthy here yet.\n")


def test_visitors_of_a_release_that_crashes_again_and_again_wait_some_seconds_and_are_told_the_reason_until_it_accepts(
    real: RealHarness,
):
    release = crashing(real)
    promote(real, release)
    told_reason(real, "ProcessExited")
    started(real, release)
    before = time.monotonic()
    assert visit(release) == (503, "The app is down and is being started again (ProcessExited).\n")
    assert 9 < time.monotonic() - before < 30
    assert visit(release)[0] == 503
    (real.paths.tree(release.id) / "crashes").unlink()
    real.wait(lambda: Traffic(real.paths).accepts(release.id), "an app that is well again")
    assert {visit(release)[0] for _ in range(50)} == {200}


def test_one_that_ends_without_an_error_again_and_again_leaves_no_visitor_waiting_either(real: RealHarness):
    it_is_long_down(real)
    release = real.make_launched(port=free_port())
    (real.paths.tree(release.id) / "leaves").touch()
    promote(real, release)
    loop(real, release)
    assert visit(release) == (503, "The app is down and is being started again.\n")


@pytest.mark.parametrize("strategy", ["restart", "handover"])
def test_a_program_that_takes_its_socket_itself_is_alone_with_its_visitors_and_they_are_told_so_between_its_crashes(
    real: RealHarness, strategy: str
):
    it_is_long_down(real)
    crashes = real.make_release("--crash", strategy=strategy, socketActivation=True)
    well = real.make_release(strategy=strategy, socketActivation=True, port=crashes.spec.service.port)
    promote(real, crashes)
    loop(real, crashes)
    assert visit(crashes) == (503, "The app is down and is being started again.\n")
    real.services.stop(crashes.id)
    promote(real, well)
    started(real, well)
    real.wait(lambda: visit(well)[0] == 200, "an answer of the app")
    assert {visit(well)[0] for _ in range(50)} == {200}


def test_visitors_of_a_release_that_only_takes_long_to_start_wait_for_it(real: RealHarness):
    it_is_long_down(real)
    release = real.make_launched(port=free_port())
    (real.paths.tree(release.id) / "sleeps").write_text("5")
    promote(real, release)
    with ThreadPoolExecutor() as pool:
        started(real, release)
        assert {each.result()[0] for each in [pool.submit(visit, release) for _ in range(3)]} == {200}
