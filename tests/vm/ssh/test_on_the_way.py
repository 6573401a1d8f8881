"""What goes wrong between the laptop and the VM: the owner gets in, and SSH is wholly old or wholly new."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.vm.ssh.judge import Judge, State
from tests.vm.ssh.laptop import KILL, Fault, Laptop
from tests.vm.ssh.site import Site
from tests.waiting import wait_for

WINDOW = timedelta(seconds=6)
WITHIN = ("--window", "6s")


def test_a_key_corrupted_on_the_way_is_noticed_and_goes_again(site: Site, judge: Judge, laptop: Laptop) -> None:
    blob = laptop.own.public.split()[1]
    bent = blob[:40] + ("A" if blob[40] != "A" else "B") + blob[41:]
    swap = f"""for word; do shift; set -- "$@" "$(printf %s "$word" | sed 's|{blob}|{bent}|g')"; done"""
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at="ssh_keys.sh install", before=swap))
    assert (said.code, laptop.faults) == (1, 1), said.text
    assert judge.settled(WINDOW) is State.OLD
    assert site.keys() == site.handed_out


# A drop-in that reads like ours and lets nobody in: sshd accepts it.
NOBODY = '{ cat; echo "AllowUsers nobody"; } | "$REAL_SSH" "$@"; exit'
AND_KILL = (
    f"""case "$*" in *ssh_guard.sh\\ write*) {NOBODY} ;; *ssh_guard.sh\\ apply*) "$REAL_SSH" "$@"; {KILL} ;; esac"""
)


@pytest.mark.parametrize("before", [NOBODY, AND_KILL], ids=["", "and the laptop dies"])
def test_a_drop_in_that_lets_nobody_in_is_undone(site: Site, judge: Judge, laptop: Laptop, before: str) -> None:
    at = "ssh_guard.sh write" if before == NOBODY else "ssh_guard.sh"
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at=at, before=before))
    assert said.code != 0
    laptop.dies()
    assert judge.settled(WINDOW) is State.OLD


# Cut off inside a line, and with one that no sshd knows: sshd would not start with it.
REFUSED = ["sed '/^Password/ { s/ .*//; q }'", "{ cat; echo Frobnicate yes; }"]


@pytest.mark.parametrize("bent", REFUSED, ids=["cut in half", "spoiled"])
def test_a_drop_in_of_ours_that_sshd_refuses_is_named_and_undone(
    site: Site, judge: Judge, laptop: Laptop, bent: str
) -> None:
    before = f'{bent} | "$REAL_SSH" "$@"; exit'
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at="ssh_guard.sh write", before=before))
    assert (said.code, laptop.faults) == (1, 1), said.text
    assert "sshd would not start: " in said.text
    assert "everything was put back" in said.text
    assert judge.settled(WINDOW) is State.OLD


def test_an_answer_that_is_lost_is_not_called_undone(site: Site, judge: Judge, laptop: Laptop) -> None:
    """The VM has confirmed, and the laptop never hears of it."""
    said = laptop.bootstrap(site, fault=Fault(at="ssh_guard.sh commit", after="exit 255"))
    assert (said.code, laptop.faults) == (1, 1), said.text
    assert "put back" not in said.text
    assert "run this again" in said.text
    assert judge.settled(timedelta(0)) is State.NEW
    assert laptop.bootstrap(site).code == 0


def test_the_same_command_twice_at_once_ends_in_the_new_state(site: Site, judge: Judge, laptop: Laptop) -> None:
    both = [laptop.start(site), laptop.start(site)]
    codes = [each.wait(timedelta(minutes=3)) for each in both]
    assert 0 in codes, laptop.log.read_text()
    assert judge.settled(WINDOW) is State.NEW


def test_of_two_owners_at_once_one_wins_and_the_other_is_told(site: Site, judge: Judge, laptop: Laptop) -> None:
    with Laptop() as other:
        other.entry.private.write_bytes(laptop.entry.private.read_bytes())
        other.entry.private.with_suffix(".pub").write_text(laptop.entry.public)
        both = [(each, each.start(site, *WITHIN)) for each in (laptop, other)]
        codes = [command.wait(timedelta(minutes=3)) for _, command in both]
        wait_for(lambda: not site.pending(), "both to be over", within=WINDOW)
        (winner,) = [each for each, _ in both if judge.lets_in(each.own)]
        assert codes[[laptop, other].index(winner)] == 0, winner.log.read_text()
        assert Judge(site, winner).look().logins == {"own"}
