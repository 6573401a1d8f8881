"""What people use the app with goes on through deploys, in the session it had."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from tests.ports import LOOPBACK
from tests.vm.product import Product
from tests.vm.switch.clients import Client, using
from tests.vm.switch.own_app import own
from tests.vm.switch.rollouts import deploy
from tests.waiting import wait_for

DEPLOYS = 3
FIRST = timedelta(seconds=60)  # the import of Gradio's client on a busy machine


def test_gradio_s_client_curl_and_a_browser_work_through_three_deploys_without_a_failed_call(
    product: Product, say: Callable[[str], None], tmp_path: Path
) -> None:
    app = own("local")
    deploy(product, app, "before")
    with using(f"http://{LOOPBACK}:{product.port}", tmp_path) as clients:
        for number in range(DEPLOYS):
            _each_is_answered(clients)
            deploy(product, app, f"deploy {number}")
        _each_is_answered(clients)
    say(f"through {DEPLOYS} deploys: {', '.join(f'{len(each.calls)} calls of {each.name}' for each in clients)}")
    assert {each.name: each.failed for each in clients} == {each.name: [] for each in clients}


def _each_is_answered(clients: list[Client]) -> None:
    """Again, from now on."""
    before = {each: len(each.calls) for each in clients}
    for each in clients:
        wait_for(lambda each=each: len(each.calls) > before[each] + 2, f"calls of {each.name}", within=FIRST)
