"""A VM as it is handed out, a laptop, and a judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.vm.machine import Machine
from tests.vm.ssh.judge import Judge
from tests.vm.ssh.laptop import Laptop
from tests.vm.ssh.site import Site

SiteOf = Callable[..., Site]


@pytest.fixture
def laptop() -> Iterator[Laptop]:
    with Laptop() as laptop:
        yield laptop


@pytest.fixture
def site_of(boot: Callable[..., Machine], laptop: Laptop) -> SiteOf:
    """site_of(sudo="free", suite="bookworm", by_socket=False): a new machine, handed out."""

    def hand_out(sudo: str | None = "free", *, suite: str = "bookworm", by_socket: bool = False) -> Site:
        site = Site(boot(suite, bare=True), laptop.entry.public)
        site.hand_out(sudo, by_socket=by_socket)
        return site

    return hand_out


@pytest.fixture
def site(shared_machine: Machine, laptop: Laptop) -> Site:
    """The module's machine, handed out anew."""
    site = Site(shared_machine, laptop.entry.public)
    site.hand_out()
    return site


@pytest.fixture
def judge(site: Site, laptop: Laptop) -> Judge:
    return Judge(site, laptop)
