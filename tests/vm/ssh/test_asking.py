"""What is asked of somebody at a terminal: each thing once, and a no leaves the VM as it is."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.vm.ssh.judge import Judge, State
from tests.vm.ssh.laptop import Fault, Laptop, quietly
from tests.vm.ssh.site import DROP_INS, PASSWORD, USER, Site

DEPLOY = ("--only", "agent", "--repo", "git@github.com:me/mood.git", "--dry-run")
SUDO = f"sudo password of {USER} at 127.0.0.1 (Enter if it may not use sudo): "
GO_ON = "These keys will not let anybody in any more: {}. Go on? [yes/no] "


def at_a_terminal(laptop: Laptop, site: Site) -> list[str]:
    return [word for word in laptop.words(site) if word != "--yes"]


@pytest.mark.parametrize(("typed", "rights"), [(PASSWORD, ", sudo with a password"), ("", ", no sudo")])
def test_the_password_of_sudo_is_asked_for_once(site: Site, laptop: Laptop, typed: str, rights: str) -> None:
    site.hand_out("password")
    shown = laptop.typing({SUDO: typed}, *at_a_terminal(laptop, site), *DEPLOY)
    assert shown.code == 2, shown.text
    assert "would change agent " in shown.text
    assert shown.text.count(SUDO) == 1
    assert re.findall(rf"ok +machine +Debian.*, {USER}@\S+?({rights}) \(", shown.text) == [rights]
    assert PASSWORD not in shown.text


def test_a_program_that_reads_along_is_told_of_the_machine_once(site: Site, laptop: Laptop) -> None:
    site.hand_out("password")
    words = (*laptop.words(site), *DEPLOY, "--json")
    said = laptop.runs(*words, within=timedelta(minutes=1), GITOPS_VM_SUDO_PASSWORD=PASSWORD)
    assert said.code == 2, said.text
    assert said.text.count('"step": "machine"') == 1
    assert said.text.count('"step": "agent"') == 1


def test_what_has_changed_there_meanwhile_is_seen(site: Site, laptop: Laptop) -> None:
    away = quietly(site.machine.root_argv("mv /usr/bin/git /usr/bin/git.away"))
    try:
        said = laptop.bootstrap(site, *DEPLOY, fault=Fault(at="health.sh", after=away))
    finally:
        site.machine.root("mv /usr/bin/git.away /usr/bin/git")
    assert said.code == 2, said.text
    assert "would change packages    apt-get install git (" in said.text


def test_the_keys_of_others_go_after_a_yes_only(site: Site, judge: Judge, laptop: Laptop) -> None:
    question = GO_ON.format(f"{laptop.entry.fingerprint} everybody's")
    shown = laptop.typing({question: "no"}, *at_a_terminal(laptop, site))
    assert (shown.code, shown.text.count(question)) == (1, 1), shown.text
    assert "nothing was changed; keep some of them: --keep-key SHA256:..." in shown.text
    assert judge.state(judge.look()) is State.OLD

    shown = laptop.typing({question: "yes"}, *at_a_terminal(laptop, site))
    assert (shown.code, shown.text.count(question)) == (0, 1), shown.text
    assert judge.settled(timedelta(0)) is State.NEW


def test_what_was_set_up_is_taken_off_after_a_yes_only(site: Site, laptop: Laptop) -> None:
    assert laptop.bootstrap(site).code == 0
    secured = site.files()
    login = (f"{USER}@{site.machine.address}", "-p", str(site.machine.ssh_port), "-i", str(laptop.own.private))
    question = (
        f"The agent, its app and their settings go from {login[0]}, with nothing of releases and data. Go on? [yes/no] "
    )
    shown = laptop.typing({question: "no"}, "uninstall", *login)
    assert (shown.code, shown.text.count(question)) == (1, 1), shown.text
    assert "nothing was changed" in shown.text
    assert site.files() == secured

    shown = laptop.typing({question: "yes"}, "uninstall", *login)
    assert (shown.code, shown.text.count(question)) == (0, 1), shown.text
    assert f"{DROP_INS}/00-gitops-vm.conf" in secured.keys() - site.files().keys()


@pytest.mark.parametrize("sudo", ["free", "password", None])
def test_check_sees_keys_that_count_elsewhere_with_root_and_without(
    site: Site, laptop: Laptop, sudo: str | None
) -> None:
    site.hand_out(sudo)
    site.drop_in("40-admin.conf", "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys-%u\n")
    site.machine.root("systemctl restart ssh.service")
    login = (f"{USER}@{site.machine.address}", "-p", str(site.machine.ssh_port), "-i", str(laptop.entry.private))
    said = laptop.runs("check", *login, "--host-key-fingerprint", site.fingerprint, within=timedelta(minutes=1))
    assert "note     other keys  sshd also takes keys from /etc/ssh/keys-%u; look there: sudo sshd -T" in said.text
