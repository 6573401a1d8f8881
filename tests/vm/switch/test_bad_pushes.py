"""Bad pushes while the app is used: the old release serves on, nobody notices, and the status names the cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.load.report import Outcome
from tests.ports import free_port
from tests.status_checker import Document
from tests.vm.product import USER, Product, condition, holds
from tests.vm.switch.bad_apps import FIT, REJECTED, ROLLOUT, STATE, Bad
from tests.vm.switch.conftest import ACCEPTANCE
from tests.vm.switch.index import bad_index
from tests.vm.switch.remains import on_disk
from tests.vm.switch.rollouts import confirmed, push, status, until
from tests.vm.switch.serving import serving
from tests.vm.switch.under_load import under_load
from tests.vm.switch.user_apps import FASTAPI

VERDICT = timedelta(minutes=3)
VISITORS = 10
"""Each has at most one request under way when a process dies with what it holds."""
SHORT = {
    *("exits at once", "falls ill while it is on trial", "leaks until it is killed", "binds another port"),
    *("cannot be resolved", "ignores SIGTERM", "leaves a child with the port"),
}


def chosen(every: tuple[Bad, ...]) -> list[Bad]:
    return [each for each in every if ACCEPTANCE or each.name in SHORT]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with bad_index(tmp_path_factory.mktemp("index")) as port:
        yield port


@pytest.fixture(scope="module")
def good(product: Product) -> str:
    """The revision that serves before all of them."""
    revision = push(product, FASTAPI, "good")
    confirmed(product, revision)
    return revision


@pytest.mark.parametrize("bad", chosen(REJECTED), ids=lambda bad: bad.name)
def test_a_bad_push_fails_no_request_and_is_told(
    product: Product, good: str, index: int, bad: Bad, tmp_path: Path
) -> None:
    before, disk = status(product)["service"]["unit"], on_disk(product)
    with under_load(FASTAPI, product.port, tmp_path / "load") as load:
        revision = push(product, FASTAPI, "bad", bad.files(product.port, "bad", index=index))
        told = until(product, lambda told: _judged(told, revision), f"the verdict on what {bad.name}", within=VERDICT)
    ready = condition(told, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", bad.reason), ready
    assert bad.said in ready["message"]
    assert told["activeRevision"].endswith(good)
    assert serving(product) == [before]
    product.machine.wait_for(lambda: on_disk(product) <= disk, "a disk without anything of what was rejected")
    assert {shot.release for shot in load.result.shots if shot.release} == {"good"} | (
        {"bad"} if bad.reaches else set()
    )
    _nobody_noticed(load.result, dies=bad.dies)


@pytest.mark.parametrize("odd", chosen(FIT), ids=lambda odd: odd.name)
def test_a_release_that_is_odd_but_fit_comes_and_goes_unnoticed(
    product: Product, index: int, odd: Bad, tmp_path: Path
) -> None:
    with under_load(FASTAPI, product.port, tmp_path / "load") as load:
        revision = push(product, FASTAPI, "odd", odd.files(product.port, "odd", index=index))
        told = confirmed(product, revision)
        assert told["activeRevision"].endswith(revision)
        confirmed(product, push(product, FASTAPI, "next", _after(odd, product)))
        product.machine.wait_for(lambda: _has_ended(told["service"]["unit"], product), "its end")
    assert [status(product)["service"]["unit"]] == serving(product)
    unit = f"USER_UNIT={told['service']['unit']}"
    said = product.machine.journal(USER, "--identifier=systemd", unit)  # of one that floods it, it may have lost some
    assert ("State 'stop-sigterm' timed out. Killing." in said) == odd.killed
    _nobody_noticed(load.result)


def test_an_app_with_a_second_port_of_its_own_is_deployed_again_and_again_while_visitors_wait(
    product: Product, tmp_path: Path
) -> None:
    opens = f"import socket\nOWN = socket.create_server(('127.0.0.1', {free_port()}))\n"
    with under_load(FASTAPI, product.port, tmp_path / "load") as load:
        for version in ("own1", "own2", "own3"):
            source = FASTAPI.files(product.port, version)[FASTAPI.source]
            assert isinstance(source, str)
            revision = push(product, FASTAPI, version, {FASTAPI.source: opens + source})
            assert confirmed(product, revision)["activeRevision"].endswith(revision)
    assert {shot.release for shot in load.result.shots if shot.release} >= {"own1", "own2", "own3"}
    assert [shot for shot in load.result.failed if "hung" not in shot.failure] == [], load.result.table()


def _after(odd: Bad, product: Product) -> dict[str, str | bytes]:
    state = FASTAPI.files(product.port, "next")[STATE]
    assert isinstance(state, str)
    return {STATE: state.replace(ROLLOUT, odd.after)}


def _has_ended(unit: str, product: Product) -> bool:
    return product.show(unit, "ActiveState")["ActiveState"] in ("inactive", "failed")


def _judged(told: Document, revision: str) -> bool:
    return told["lastAttemptedRevision"].endswith(revision) and holds(told, "Stalled", "RevisionRejected")


def _nobody_noticed(outcome: Outcome, *, dies: bool = False) -> None:
    """What a process holds that dies by itself, nobody can answer: at most one request of each visitor."""
    assert len(outcome.failed) <= (VISITORS if dies else 0), outcome.table()
    if dies:
        moments = [shot.ended for shot in outcome.failed]
        assert max(moments, default=0) - min(moments, default=0) < 1, outcome.table()
