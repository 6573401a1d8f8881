"""One machine for the whole folder: the agent is installed once, and the apps follow each other on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.standin import TOKEN
from tests.vm.conftest import Boot
from tests.vm.product import Product, deployed
from tests.vm.switch.rollouts import push
from tests.vm.switch.table import Row, written
from tests.vm.switch.user_apps import FASTAPI

ACCEPTANCE = os.environ.get("GITOPS_VM_ACCEPTANCE") == "1"
"""The full form: `make acceptance`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "switch":
            item.add_marker(pytest.mark.timeout(3600 if ACCEPTANCE else 600))


@pytest.fixture(scope="session")
def product(start_machine: Boot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with start_machine() as machine, deployed(machine, tmp_path_factory.mktemp("switch")) as product:
        push(product, FASTAPI, "0")
        product.install(env={"HF_TOKEN": TOKEN})
        yield product


@pytest.fixture(scope="session")
def deploys() -> int:
    """So many in a row, of each app."""
    return 20 if ACCEPTANCE else 2


@pytest.fixture(scope="session")
def rows(say: Callable[[str], None]) -> Iterator[list[Row | str]]:
    """What was measured, told at the end; of the full form docs/acceptance.md is made."""
    found: list[Row | str] = []
    yield found
    say(written(found))
    if ACCEPTANCE:
        Path(__file__).parents[3].joinpath("docs", "acceptance.md").write_text(written(found))
