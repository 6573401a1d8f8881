"""A rollout that is cut off in the middle, by the end of the agent or of the whole machine: it goes on to its end."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.moments import MOMENTS
from tests.status_checker import Document
from tests.vm.product import Product
from tests.vm.switch.conftest import ACCEPTANCE
from tests.vm.switch.moments import kill_agent, rollout_on
from tests.vm.switch.rollouts import confirmed, push
from tests.vm.switch.serving import serving
from tests.vm.switch.under_load import under_load
from tests.vm.switch.user_apps import FASTAPI


def other(why: str) -> dict[str, str | bytes]:
    """Another environment than ever before, so that there is a build."""
    return {"requirements.txt": f"fastapi==0.165.0\nsdnotify==0.3.2\n# {why}\n"}


@pytest.mark.parametrize("moment", MOMENTS if ACCEPTANCE else MOMENTS[:2])
def test_of_a_killed_agent_nobody_notices_and_the_next_one_finishes(
    product: Product, moment: str, tmp_path: Path
) -> None:
    confirmed(product, push(product, FASTAPI, "before"))
    rollout = rollout_on(product)
    with under_load(FASTAPI, product.port, tmp_path / "load") as load:
        revision = push(product, FASTAPI, "after", other(f"killed when {moment}"))
        rollout.wait_for(moment)
        kill_agent(product)
        _is_alone(product, confirmed(product, revision))
    assert not load.result.failed, load.result.table()
    assert {shot.release for shot in load.result.shots if shot.release} == {"before", "after"}


@pytest.mark.parametrize("moment", MOMENTS if ACCEPTANCE else MOMENTS[1:2])
def test_after_a_power_cut_one_release_serves_and_the_rollout_is_finished(product: Product, moment: str) -> None:
    confirmed(product, push(product, FASTAPI, "before"))
    rollout = rollout_on(product)
    revision = push(product, FASTAPI, "after", other(f"cut off when {moment}"))
    rollout.wait_for(moment)
    product.machine.power_cut()
    product.machine.start()
    product.machine.wait_for(
        lambda: product.get("/").json()["version"] in {"before", "after"},
        "an answer after the boot",
        unless=(requests.RequestException, ValueError),
    )
    _is_alone(product, confirmed(product, revision))
    assert product.get("/").json()["version"] == "after"


def _is_alone(product: Product, told: Document) -> None:
    product.machine.wait_for(lambda: serving(product) == [told["service"]["unit"]], "one instance, and no orphan")
