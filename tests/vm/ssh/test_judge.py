"""The judge itself: it tells old from new, and never takes what lies between for either."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.process import Failed
from tests.vm.ssh.conftest import SiteOf
from tests.vm.ssh.judge import Judge, State
from tests.vm.ssh.laptop import Laptop
from tests.vm.ssh.site import DROP_INS, KEYS, Site

CLOSED = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
AT_ONCE = timedelta(0)


def close(site: Site, laptop: Laptop) -> None:
    """By hand, what a bootstrap does."""
    site.machine.root(f"cat > {KEYS}", given=f"{laptop.own.public}\n")
    site.drop_in("00-gitops-vm.conf", CLOSED)
    site.machine.root("systemctl restart ssh.service")


@pytest.mark.parametrize(("suite", "by_socket"), [("bookworm", False), ("bookworm", True), ("trixie", False)])
def test_a_vm_is_handed_out_open_and_the_judge_sees_when_it_is_closed(
    site_of: SiteOf, laptop: Laptop, suite: str, by_socket: bool
) -> None:
    site = site_of(suite=suite, by_socket=by_socket)
    judge = Judge(site, laptop)

    def seen() -> tuple[set[str], State]:
        look = judge.look()
        return set(look.logins), judge.state(look)

    assert seen() == ({"entry", "password"}, State.OLD)
    site.machine.root(f"cat >> {KEYS}", given=f"\n{laptop.own.public}\n")
    assert seen() == ({"own", "entry", "password"}, State.OLD)
    close(site, laptop)
    assert seen() == ({"own"}, State.NEW)
    assert judge.settled(AT_ONCE) is State.NEW


def test_what_lies_between_is_neither(site: Site, judge: Judge, laptop: Laptop) -> None:
    def seen() -> State:
        return judge.state(judge.look())

    site.machine.root(f"cat > {KEYS}", given=f"{laptop.own.public}\n")
    assert seen() is State.BETWEEN  # pruned, and passwords still open the door
    close(site, laptop)
    assert seen() is State.NEW
    site.drop_in("00-gitops-vm.conf", "PasswordAuthentication yes\n")
    assert seen() is State.BETWEEN  # refused until the next start of sshd, not after it
    site.machine.root(f"rm {DROP_INS}/00-gitops-vm.conf; cat > {KEYS}", given=site.handed_out)
    assert seen() is State.BETWEEN  # the files are as they were, the running sshd is not
    site.machine.root("systemctl restart ssh.service")
    assert seen() is State.OLD
    site.machine.root(f"touch {KEYS}.left-behind")
    assert seen() is State.BETWEEN


def test_no_answer_is_not_taken_for_a_refusal(site: Site, judge: Judge, laptop: Laptop) -> None:
    site.machine.root("systemctl stop ssh.service")
    with pytest.raises(Failed, match="Connection refused"):
        judge.lets_in(laptop.entry)
    with pytest.raises(TimeoutError):
        judge.settled(AT_ONCE)
