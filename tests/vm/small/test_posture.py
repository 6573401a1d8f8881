"""The blocks `ssh` and `machine` of the status, against root's look, ssh-audit and real logins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import bootstrap
from agent.host.sshd import argv, read
from tests.sshkey import SshKey
from tests.status_checker import Document
from tests.vm.machine import Machine
from tests.vm.product import USER, Product
from tests.vm.small import standing

KEYS = f"/home/{USER}/.ssh/authorized_keys"
KEYS_ONLY, CRYPTO = bootstrap.DROP_INS.values()
CONFIGURATIONS = {
    "as it came": "",
    "keys only": KEYS_ONLY,
    "keys only and hardened": CRYPTO + KEYS_ONLY,
    "a password by the keyboard": "PasswordAuthentication no\nKbdInteractiveAuthentication yes\n",
    "a match that gives passwords back": f"PasswordAuthentication no\nMatch User {USER}\n  PasswordAuthentication yes\n",
}
BOTH = pytest.mark.parametrize("suite", ["bookworm", "trixie"])
FORBIDDEN = "[Service]\nRestrictNamespaces=~user\n"


@pytest.fixture
def known(product: Product) -> Iterator[Product]:
    """Its user has a password."""
    product.machine.root("chpasswd", given=f"{USER}:{standing.PASSWORD}\n")
    yield product
    product.machine.root(f"passwd -l {USER}")


def told(product: Product, claim: Callable[[dict[str, Any]], object] = bool) -> Document:
    """The status after a pass that was asked for, once the claim about its block `ssh` is true."""
    product.agent("reconcile", "--now")
    return product.until(lambda document: claim(document["ssh"]), "the posture")


def same(found: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    return lambda ssh: {name: value for name, value in ssh.items() if name != "checked"} == found


@pytest.mark.parametrize("settings", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_the_ssh_block_is_what_root_ssh_audit_and_real_logins_find(
    known: Product, settings: str, tmp_path: Path
) -> None:
    with standing.configured(known, settings):
        block = told(known, same(standing.ssh(known)))["ssh"]

        assert block["passwordAuthentication"] == standing.takes(known, "password", tmp_path)
        by_keyboard = standing.takes(known, "keyboard-interactive", tmp_path)
        assert block["keyboardInteractiveAuthentication"] == by_keyboard
        assert (block["weak"] == []) == (settings == CRYPTO + KEYS_ONLY)
        assert known.machine.ssh(USER, "echo in") == "in\n"


def test_a_posture_that_changed_is_committed_and_read_on_every_screen(known: Product) -> None:
    told(known, lambda ssh: ssh["passwordAuthentication"])
    with standing.configured(known, KEYS_ONLY):
        told(known, lambda ssh: ssh["passwordAuthentication"] is False)
        known.until_published(lambda now: now["ssh"]["passwordAuthentication"] is False, "keys only")
        assert "\nssh        keys only, 1 authorized" in known.shell("~/.local/bin/gitops-vm status || [ $? -le 3 ]")
        page = known.repo.show(f"status/{known.name}", "README.md")
        assert "| SSH | keys only, 1 authorized" in page
    told(known, lambda ssh: ssh["passwordAuthentication"])
    known.until_published(lambda now: now["ssh"]["passwordAuthentication"], "passwords")
    shown = known.shell("~/.local/bin/gitops-vm status || [ $? -le 3 ]")
    assert "\nssh        passwords are accepted: run bootstrap.py, 1 authorized" in shown


def test_a_key_that_somebody_adds_is_told(known: Product, tmp_path: Path) -> None:
    before, key = known.machine.get(KEYS), SshKey.generate(tmp_path / "key")
    known.machine.put(KEYS, f'{before.rstrip()}\nfrom="10.0.0.0/8",restrict {key.public}\n', owner=USER, mode=0o600)
    try:
        block = told(known, lambda ssh: len(ssh["authorizedKeys"]) == 2)["ssh"]
        assert key.fingerprint in block["authorizedKeys"]
        known.until_published(lambda now: now["ssh"]["authorizedKeys"] == block["authorizedKeys"], "the key")
    finally:
        known.machine.put(KEYS, before, owner=USER, mode=0o600)


def test_an_sshd_that_is_gone_is_said_and_the_app_does_not_care(known: Product) -> None:
    known.machine.root("systemctl stop ssh.service")
    try:
        document = told(known, lambda ssh: ssh["passwordAuthentication"] is None)
        assert "Connection refused" in document["ssh"]["message"]
        assert document["health"] == "Healthy"
    finally:
        known.machine.root("systemctl start ssh.service")
    told(known, lambda ssh: ssh["passwordAuthentication"])


def test_an_account_without_a_password_is_not_called_safe(known: Product) -> None:
    known.machine.root(f"passwd -d {USER}")
    with standing.configured(known, "PermitEmptyPasswords yes\n"):
        block = told(known, lambda ssh: "empty password" in (ssh["message"] or ""))["ssh"]
    assert block["passwordAuthentication"] is True


def test_the_machine_block_is_what_root_finds(known: Product) -> None:
    document = told(known)
    assert document["machine"] == standing.machine(known)
    known.until_published(lambda now: now["machine"] == document["machine"], "the machine")
    page = known.repo.show(f"status/{known.name}", "README.md")
    assert ("memoryMax is not enforced on this VM" in page) == (not document["machine"]["memoryMax"])


def test_a_machine_file_that_makes_no_sense_is_said_and_bootstrap_cures_it(known: Product) -> None:
    known.machine.put(standing.MACHINE, "{", owner=USER, mode=0o600)
    document = told(known)
    assert document["machine"]["message"] == "machine.json makes no sense (not JSON): run bootstrap.py again"
    assert document["machine"]["cores"] is None
    known.install()
    assert told(known, lambda ssh: ssh["message"] is None)["machine"] == standing.machine(known)


@BOTH
def test_what_users_may_not_do_is_found_out_and_nothing_is_left_behind(
    boot: Callable[..., Machine], suite: str
) -> None:
    machine = boot(suite)
    machine.put("/etc/systemd/system/user@.service.d/test.conf", FORBIDDEN)
    machine.root(f"systemctl daemon-reload; loginctl enable-linger {USER}")
    before = machine.root(f"find /home/{USER} -printf '%p %i %T@\\n'")
    found = machine.ssh(USER, "sh -s", given=standing.ENFORCE.read_text()).splitlines()
    assert "sandbox=no" in found
    assert f"ssh_port={machine.ssh_port}" in found
    assert f"ssh_address={machine.address}" in found
    assert machine.root(f"find /home/{USER} -printf '%p %i %T@\\n'") == before
    assert "0 loaded units" in machine.as_user(USER, "systemctl --user --all --type=service list-units 'run-*'")


@BOTH
def test_the_words_of_this_ssh_client_are_understood(boot: Callable[..., Machine], suite: str) -> None:
    machine = boot(suite)
    said = machine.as_user(
        USER, ["sh", "-c", '"$@" 2>&1 || true', "sh", *argv(USER, machine.address, machine.ssh_port)]
    )
    offer = read(said)
    assert (offer.password, offer.keyboard_interactive, offer.publickey, offer.message) == (True, False, True, "")
    assert offer.weak
    assert "hmac-sha1" in offer.weak
