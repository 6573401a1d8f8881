"""One machine for the whole folder: the agent is installed once, and each test begins with a release that is confirmed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vm.conftest import Boot
from tests.vm.product import Product, deployed, files_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "small":
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def installed(start_machine: Boot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with start_machine() as machine, deployed(machine, tmp_path_factory.mktemp("small")) as product:
        product.push("first", files_of(product))
        product.install()
        yield product
        assert len(product.story()) > 1


@pytest.fixture
def product(installed: Product) -> Product:
    """It follows its repository, and what that declares runs."""
    installed.server.up()
    installed.settled()
    return installed
