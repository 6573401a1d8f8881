"""How sshd and the VM stand, as a person reads it: on the page and in the terminal the same words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.status.advance import advance
from agent.status.document import document
from agent.status.facts import Facts, Machine, Ssh
from agent.status.memory import Memory
from agent.status.page import page
from agent.status.read import render
from tests.reports import NOW, well
from tests.status_checker import check
from tests.status_facts import FACTS

SSH, VM = FACTS.ssh, FACTS.machine
GUEST = "passwords are accepted: run bootstrap.py"


def shown(facts: Facts) -> tuple[str, str]:
    """The page, without its escapes, and the terminal."""
    told = document(well(), advance(Memory(), well()), facts)
    check(told)
    return page(told, []).replace("\\", ""), render(told, NOW)


@pytest.mark.parametrize(("ssh", "words"), [
    (replace(SSH, weak=()), "keys only, 1 authorized"),
    (replace(SSH, authorized_keys=(), weak=("a", "b")), "keys only, 0 authorized, 2 weak algorithms (run bootstrap.py --crypto)"),
    (replace(SSH, password_authentication=True, weak=()), f"{GUEST}, 1 authorized"),
    (replace(SSH, keyboard_interactive_authentication=True, weak=()), f"{GUEST}, 1 authorized"),
    (replace(SSH, publickey_authentication=False, weak=()), "neither keys nor passwords, 1 authorized"),
    (Ssh(checked=NOW, message="sshd: no answer"), "not known, sshd: no answer"),
])  # fmt: skip
def test_one_line_says_who_may_log_in(ssh: Ssh, words: str):
    the_page, screen = shown(replace(FACTS, ssh=ssh))
    assert f"| SSH | {words} |" in the_page
    assert f"\nssh        {words}\n" in screen


@pytest.mark.parametrize(("machine", "words"), [
    (VM, "2 cores, 4.0 GiB, enforces cpu sandbox, memoryMax is not enforced on this VM"),
    (replace(VM, memory_max=True, cores=1), "1 core, 4.0 GiB, enforces memoryMax cpu sandbox"),
    (Machine(message="machine.json makes no sense"), "machine.json makes no sense"),
])  # fmt: skip
def test_one_line_says_what_is_not_enforced(machine: Machine, words: str):
    the_page, screen = shown(replace(FACTS, machine=machine))
    assert f"| VM | {words} |" in the_page
    assert f"\nvm         {words}\n" in screen


def test_a_status_of_an_older_agent_is_still_read():
    told = document(well(), advance(Memory(), well()), FACTS)
    older = {"passwordAuthentication": False, "authorizedKeys": [], "checked": "2026-11-23T09:00:00Z"}
    del told["machine"]
    assert "\nssh        keys only, 0 authorized\n" in render({**told, "ssh": older}, NOW)
