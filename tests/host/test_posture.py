"""When sshd is asked, what is kept of it, and what bootstrap's machine.json adds; against a real sshd."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agent.host import capabilities
from agent.host.capabilities import Capabilities
from agent.host.posture import LOOK, Posture
from agent.status.facts import Machine, Ssh
from tests.ports import LOOPBACK
from tests.reports import NOW
from tests.sshserver import Sshd, serving

KEYS_ONLY = ("PasswordAuthentication no", "KbdInteractiveAuthentication no")
HALF = LOOK / 2
FOUND = {"sandbox": "yes", "memory_max": "no", "cpu": "yes", "cores": "2", "memory": "4294967296"}


class Agent:
    """One that has started at NOW."""

    def __init__(self, folder: Path, server: Sshd) -> None:
        self.machine = folder / "machine.json"
        self.cache = folder / "ssh.json"
        self.server = server
        self.tell(str(server.port))

    def tell(self, port: str, **more: str) -> None:
        self.machine.write_text(json.dumps({"ssh_address": LOOPBACK, "ssh_port": port, **more}))

    def looks(self, after: timedelta = timedelta(0), *, busy: bool = False, agent: datetime = NOW) -> Ssh:
        posture = Posture(self.cache, self.machine)
        return posture.at(NOW + after, capabilities.read(self.machine), agent=agent, busy=busy)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with serving(tmp_path / "sshd", *KEYS_ONLY) as server:
        yield Agent(tmp_path, server)


def test_sshd_is_asked_once_an_hour(agent: Agent):
    first = agent.looks()
    asked = agent.server.asked()
    assert agent.looks(HALF) == first
    assert agent.server.asked() == asked
    assert agent.looks(LOOK) == replace(first, checked=NOW + LOOK)
    assert agent.server.asked() == asked + 1


def test_sshd_is_asked_again_when_the_agent_has_started_anew_or_the_clock_was_put_back(agent: Agent):
    agent.looks()
    assert agent.looks(HALF, agent=NOW + HALF).checked == NOW + HALF
    assert agent.looks(-HALF, agent=NOW + HALF).checked == NOW - HALF


def test_sshd_is_asked_again_when_bootstrap_has_written_where_it_is(agent: Agent, tmp_path: Path):
    agent.looks()
    with serving(tmp_path / "other", "PasswordAuthentication yes") as other:
        agent.tell(str(other.port))
        assert agent.looks(HALF).password_authentication is True


def test_nothing_waits_for_sshd_while_the_agent_is_at_work(agent: Agent):
    first = agent.looks(busy=True)
    assert first.password_authentication is False
    asked = agent.server.asked()
    assert agent.looks(2 * LOOK, busy=True) == first
    assert agent.server.asked() == asked
    assert agent.looks(2 * LOOK).checked == NOW + 2 * LOOK


def test_a_look_that_fails_is_said_and_the_next_one_knows_again(tmp_path: Path):
    folder = tmp_path / "sshd"
    with serving(folder, *KEYS_ONLY) as server:
        agent = Agent(tmp_path, server)
        assert agent.looks().message == ""
    failed = agent.looks(LOOK)
    assert (failed.password_authentication, failed.publickey_authentication, failed.weak) == (None, None, None)
    assert "Connection refused" in failed.message
    with serving(folder, *KEYS_ONLY, port=server.port):
        assert agent.looks(2 * LOOK).password_authentication is False


@pytest.mark.parametrize("text", ["", "{", "[]", '{"offer": 1}', "\x00"])
def test_what_is_kept_and_makes_no_sense_is_looked_up_anew(agent: Agent, text: str):
    agent.cache.write_text(text)
    assert agent.looks().password_authentication is False


def read(folder: Path, text: str) -> Capabilities:
    (folder / "machine.json").write_text(text)
    return capabilities.read(folder / "machine.json")


def test_the_machine_is_what_bootstrap_wrote(tmp_path: Path):
    known = read(tmp_path, json.dumps({**FOUND, "ssh_address": "fe80::1%eth0", "ssh_port": "22010", "new": "x"}))
    assert known.machine == Machine(sandbox=True, memory_max=False, cpu=True, cores=2, memory=4 * 1024**3)
    assert (known.ssh_address, known.ssh_port) == ("fe80::1%eth0", 22010)


def test_what_bootstrap_did_not_find_out_is_not_known(tmp_path: Path):
    known = read(tmp_path, json.dumps({"cores": "2"}))
    assert known == Capabilities(machine=Machine(cores=2))
    assert (known.ssh_address, known.ssh_port) == (LOOPBACK, 22)


def test_without_the_file_nothing_is_said_of_the_machine(tmp_path: Path):
    assert capabilities.read(tmp_path / "machine.json") == Capabilities()


@pytest.mark.parametrize(("damage", "why"), [
    ("", "not JSON"), ("[1]", "not JSON"), ('{"sandbox": "perhaps"}', "sandbox"), ('{"cores": "0"}', "cores"),
    ('{"ssh_port": "70000"}', "ssh_port"), ('{"ssh_address": "-oProxyCommand=x"}', "ssh_address"), ('{"ssh_address": "1.2.3.4 x\\n"}', "ssh_address"),
])  # fmt: skip
def test_a_file_that_makes_no_sense_is_said_and_ignored(tmp_path: Path, damage: str, why: str):
    assert read(tmp_path, damage) == Capabilities(
        machine=Machine(message=f"machine.json makes no sense ({why}): run bootstrap.py again")
    )


def test_a_file_that_cannot_be_read_is_said_and_ignored(tmp_path: Path):
    (tmp_path / "machine.json").mkdir()
    message = f"machine.json cannot be read ({os.strerror(21)}): run bootstrap.py again"
    assert capabilities.read(tmp_path / "machine.json").machine == Machine(message=message)
