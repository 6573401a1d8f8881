"""Pushes of code changes while the app is used: nobody notices. And what a plain restart does to the same visitors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.load.report import Outcome
from tests.ports import answers
from tests.standin import standing_in
from tests.vm.product import Product
from tests.vm.switch.conftest import ACCEPTANCE
from tests.vm.switch.own_app import OWN, OwnApp
from tests.vm.switch.plain_unit import plain_unit
from tests.vm.switch.rollouts import deploy
from tests.vm.switch.table import Row, row
from tests.vm.switch.under_load import under_load
from tests.vm.switch.user_apps import APPS, FASTAPI, UserApp
from tests.waiting import wait_for

QUIET = 6
"""Seconds of load without a rollout, to compare with: long enough to meet what else the machine does."""
NOTICED = 500
"""Milliseconds (issue 4): whoever waited longer noticed the switch."""
BUSY = 3
"""On a machine whose answers take longer than that without any switch, so many times as long."""


def test_a_plain_restart_under_the_same_load_fails_requests(
    product: Product, rows: list[Row | str], tmp_path: Path
) -> None:
    """Else the visitors would notice nothing of anything, and the whole run were void."""
    deploy(product, FASTAPI, "plain")
    with plain_unit(product) as (port, unit), under_load(FASTAPI, port, tmp_path / "load") as load:
        time.sleep(1)
        product.systemctl("restart", unit)
        wait_for(lambda: answers(port), "it to be back")
        time.sleep(1)
    failed, every = len(load.result.failed), len(load.result.shots)
    rows.append(f"Control: {failed} of {every} requests failed when a plain unit of fastapi_app was restarted once.")
    assert failed, "the run is void: a plain restart failed no request"


@pytest.fixture
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UserApp]:
    found: UserApp = request.param
    if isinstance(found, OwnApp) and found.mode == "api":
        with standing_in(tmp_path / "standin.log") as url:
            yield replace(found, api_url=url)
    else:
        yield found


@pytest.mark.parametrize("app", (*OWN, *APPS) if ACCEPTANCE else APPS, ids=lambda app: app.name, indirect=True)
def test_code_changes_under_load_go_unnoticed(
    product: Product, app: UserApp, deploys: int, rows: list[Row | str], tmp_path: Path
) -> None:
    first = deploy(product, app, "0")
    with under_load(app, product.port, tmp_path / "deploys") as load:
        time.sleep(QUIET)
        made = [deploy(product, app, str(number + 1)) for number in range(deploys)]
    found = row(app.name, load.result, made)
    rows.append(found)

    if app.hands_over:
        assert not load.result.failed, load.result.table()
        limit = NOTICED if ACCEPTANCE else max(NOTICED, BUSY * found.quiet)  # a machine that runs other tests beside it
        assert found.switch < limit, load.result.table()
    assert _in_order(load.result) == [each.mark for each in (first, *made)]


def _in_order(outcome: Outcome) -> list[str]:
    """The releases by their first answers."""
    found: dict[str, None] = {}
    for shot in sorted(outcome.shots, key=lambda shot: shot.ended):
        if shot.release:
            found.setdefault(shot.release)
    return list(found)
