"""From a VM as it is handed out to one that only its owner's key opens, in one command."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.vm.argv import Watcher
from tests.vm.ssh.conftest import SiteOf
from tests.vm.ssh.judge import Judge, State
from tests.vm.ssh.laptop import Laptop
from tests.vm.ssh.site import PASSWORD, Site

Say = Callable[[str], None]


def timed(laptop: Laptop, site: Site, *options: str, **env: str) -> float:
    """The seconds it took, to success."""
    begin = time.monotonic()
    said = laptop.bootstrap(site, *options, **env)
    assert said.code == 0, said.text
    return time.monotonic() - begin


@pytest.mark.parametrize(("suite", "by_socket"), [("bookworm", False), ("bookworm", True), ("trixie", False)])
def test_one_command_closes_all_ways_in_but_the_owner_s_and_a_second_one_changes_nothing(
    site_of: SiteOf, laptop: Laptop, say: Say, suite: str, by_socket: bool
) -> None:
    site = site_of(suite=suite, by_socket=by_socket)
    judge = Judge(site, laptop)
    assert judge.look().logins == {"entry", "password"}

    first = timed(laptop, site)
    assert judge.look().logins == {"own"}
    assert judge.state(judge.look()) is State.NEW

    before, pid = site.files(), site.machine.root("systemctl show --property=MainPID --value ssh.service")
    second = timed(laptop, site)
    assert site.files() == before
    assert site.machine.root("systemctl show --property=MainPID --value ssh.service") == pid
    say(f"{suite}{' by socket' * by_socket}: the SSH part takes {first:.1f} s, the second time {second:.1f} s ")


def test_sudo_s_password_is_used_and_never_shown(site_of: SiteOf, laptop: Laptop, say: Say) -> None:
    site = site_of("password")
    judge = Judge(site, laptop)
    with Watcher(PASSWORD) as watcher:
        took = timed(laptop, site, GITOPS_VM_SUDO_PASSWORD=PASSWORD)
    assert judge.look().logins == {"own"}
    assert not watcher.seen
    assert len(watcher.processes) > 20
    assert PASSWORD not in laptop.log.read_text() + site.machine.journal()
    say(f"with sudo's password: {took:.1f} s ")


def test_without_sudo_only_the_keys_are_put_in_order_and_it_says_so(site_of: SiteOf, laptop: Laptop, say: Say) -> None:
    site = site_of(None)
    judge = Judge(site, laptop)
    took = timed(laptop, site)
    assert judge.look().logins == {"own", "password"}
    assert judge.state(judge.look()) is State.NEW
    assert "without root only the keys" in laptop.log.read_text()
    say(f"without sudo: {took:.1f} s ")
