"""`smoke` and `watch` from elsewhere: what somebody hears of a VM that dies and comes back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.chats import Chats
from tests.crontab import Operator, Run
from tests.vm.product import ROLLOUT, Product
from tests.waiting import wait_for

COOLDOWN = timedelta(seconds=30)
"""Longer than a few looks take on a busy machine."""


@pytest.fixture
def operator(product: Product, tmp_path: Path) -> Iterator[Operator]:
    """Their vms.ini names the machine, its app and its repository, which Ada's key opens."""
    with Chats() as chats:
        somebody = Operator(tmp_path / "home", chats, product.server.environment)
        (somebody.home / "vms.ini").write_text(f"[vm-1]\nurl = {url(product)}\nrepo = {product.server.url('app')}\n")
        yield somebody


def url(product: Product, path: str = "/healthz") -> str:
    return f"http://{product.machine.address}:{product.port}{path}"


def look(operator: Operator) -> Run:
    return operator.watch("--cooldown", f"{COOLDOWN.total_seconds():g}s")


def test_smoke_asks_the_app_of_a_vm(product: Product, operator: Operator) -> None:
    revision = product.settled()

    good = operator.call("smoke", "vm-1", "--expect", revision, "--json")
    assert (good.code, json.loads(good.out)["outcome"]) == (0, "Good")
    bad = operator.call("smoke", url(product, "/healthz"), "--expect", "0" * 40)
    assert (bad.code, "is not in its body" in bad.out) == (1, True)

    product.agent("stop")
    down = operator.call("smoke", "vm-1", "--json")
    product.until_published(lambda told: told["health"] == "Suspended", "what was stopped on purpose")
    meant = operator.watch("vm-1")
    product.agent("start")
    assert (down.code, json.loads(down.out)["outcome"]) == (1, "Refused")
    assert (meant.code, "which is meant" in meant.out) == (0, True)
    again = operator.call("smoke", "vm-1", "--attempts", "30", "--expect", revision)
    assert again.code == 0, again.out


def test_a_look_from_a_machine_without_a_network_is_none_and_wakes_nobody(operator: Operator) -> None:
    for url in (
        "http://192.0.2.1/",
        "https://vm.example.edu/",
    ):  # an address for documentation, and a name nobody is asked for
        said = operator.call("smoke", url, "--json", through=("unshare", "--net"))
        assert json.loads(said.out)["outcome"] == "NoNetwork"
        assert operator.call("watch", url, "--attempts", "1", through=("unshare", "--net")).code == 3
    assert operator.told() == [[], []]


def test_a_dead_vm_is_told_once_per_cool_down_and_its_return_once(product: Product, operator: Operator) -> None:
    product.settled()
    assert look(operator).code == 0, look(operator).out
    assert operator.told() == [[], []]

    product.machine.power_cut()
    died = time.monotonic()
    assert [look(operator).code for _ in range(3)] == [1, 1, 1]
    assert operator.told() == [["vm-1 is not well"]] * 2
    wait_for(lambda: look(operator).code == 1 and len(operator.told()[1]) == 2, "the second alert", within=ROLLOUT)
    assert time.monotonic() - died >= COOLDOWN.total_seconds()
    assert [texts[1].startswith("vm-1 is not well, for ") for texts in operator.told()] == [True, True]

    product.machine.start()
    wait_for(lambda: look(operator).code == 0, "the app after the boot", within=ROLLOUT)
    look(operator)
    assert [texts[-1].startswith("vm-1 is well again, after ") for texts in operator.told()] == [True, True]
    heard = [text for texts in operator.told() for text in texts if "again" in text]
    assert len(heard) == 2
