"""What sshd offers, against real ones: their own words on their configuration, real logins, and the real ssh-audit."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from time import monotonic

import pytest
from ssh_audit.ssh2_kexdb import SSH2_KexDB

from agent.host.ssh_weak import KINDS, weak
from agent.host.sshd import Offer, look, read
from tests.ports import LOOPBACK, SilentPort, free_port
from tests.process import run
from tests.sshserver import Sshd, audited, serving
from tests.waiting import wait_for

USER = getpass.getuser()
STOCK = ("PasswordAuthentication yes", "KbdInteractiveAuthentication yes")
KEYS_ONLY = ("PasswordAuthentication no", "KbdInteractiveAuthentication no")
CRYPTO = (
    "KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256",
    "Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com",
    "MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com",
    "HostKeyAlgorithms ssh-ed25519,rsa-sha2-512",
)
OLD = (
    "KexAlgorithms +diffie-hellman-group14-sha1,diffie-hellman-group1-sha1,diffie-hellman-group-exchange-sha1",
    "Ciphers +3des-cbc,aes256-cbc",
    "MACs +hmac-md5,hmac-sha1-96,hmac-md5-96-etm@openssh.com,umac-64@openssh.com",
    "HostKeyAlgorithms +ssh-rsa",
)
FOREIGN = ("KexAlgorithms diffie-hellman-group1-sha1", *KEYS_ONLY)


def ask(server: Sshd) -> Offer:
    return look(USER, LOOPBACK, server.port)


@pytest.mark.parametrize("settings", [
    STOCK, KEYS_ONLY, ("PasswordAuthentication yes", "KbdInteractiveAuthentication no"),
    ("PasswordAuthentication no", "KbdInteractiveAuthentication yes"),
    ("PasswordAuthentication no", "KbdInteractiveAuthentication no", f"Match User {USER}", "PasswordAuthentication yes"),
    ("PasswordAuthentication yes", "Match Address 127.0.0.0/8", "PasswordAuthentication no"),
    ("PubkeyAuthentication no", *STOCK),
], ids=["stock", "keys only", "password", "keyboard", "match user", "match address", "no keys"])  # fmt: skip
def test_the_methods_are_those_that_sshd_offers_whatever_file_says_so(
    tmp_path: Path, settings: tuple[str, ...]
) -> None:
    with serving(tmp_path / "sshd", "PermitRootLogin yes", *settings) as server:
        offer, truth = ask(server), server.settings()

    assert offer.password is (truth["passwordauthentication"] == "yes")
    assert offer.keyboard_interactive is (truth["kbdinteractiveauthentication"] == "yes")
    assert offer.publickey is (truth["pubkeyauthentication"] == "yes")
    assert offer.message == ""


def test_a_method_that_opens_nothing_alone_is_not_offered(tmp_path: Path) -> None:
    with serving(tmp_path / "sshd", *STOCK, "AuthenticationMethods publickey,password") as server:
        offer = ask(server)

    assert (offer.password, offer.publickey) == (False, True)


@pytest.mark.parametrize(("settings", "keys"), [
    (KEYS_ONLY, ("ed25519", "ecdsa", "rsa")), (CRYPTO, ("ed25519", "rsa")), (OLD, ("ed25519", "rsa")),
], ids=["stock", "hardened", "old"])  # fmt: skip
def test_the_weak_algorithms_are_those_that_ssh_audit_fails(
    tmp_path: Path, settings: tuple[str, ...], keys: tuple[str, ...]
) -> None:
    with serving(tmp_path / "sshd", *settings, keys=keys) as server:
        offer, failed = ask(server), audited(sys.executable, server.port)

    assert set(offer.weak or ()) == failed
    assert (settings == CRYPTO) == (not failed)


def test_every_algorithm_ssh_audit_knows_is_judged_as_it_does() -> None:
    kinds = dict(
        zip(("KEX algorithms", "host key algorithms", "ciphers", "MACs"), ("kex", "key", "enc", "mac"), strict=True)
    )
    assert kinds.keys() == KINDS
    for kind, name in kinds.items():
        known = SSH2_KexDB.get_db()[name]
        failed = {algorithm for algorithm, notes in known.items() if len(notes) > 1 and notes[1]}
        assert set(weak({kind: known})) == failed
        assert len(failed) > 20


def test_an_sshd_that_no_client_can_agree_with_still_shows_what_is_weak(tmp_path: Path) -> None:
    with serving(tmp_path / "sshd", *FOREIGN) as server:
        offer = ask(server)

    assert offer.password is None
    assert "diffie-hellman-group1-sha1" in (offer.weak or ())
    assert f"port {server.port}: Unable to negotiate" in offer.message


def test_a_banner_cannot_speak_for_sshd(tmp_path: Path) -> None:
    banner = tmp_path / "banner"
    lie = "debug1: Authentications that can continue: publickey"
    proposal = "debug2: peer server KEXINIT proposal\ndebug2: MACs ctos: hmac-md5\ndebug2: first_kex_follows 0 "
    banner.write_text(f"Welcome\n{lie}\n{proposal}\n")
    with serving(tmp_path / "sshd", *STOCK, f"Banner {banner}") as server:
        offer = ask(server)

    assert offer.password is True
    assert "hmac-md5" not in (offer.weak or ("hmac-md5",))


def test_where_nobody_listens_it_says_so() -> None:
    port = free_port()
    offer = look(USER, LOOPBACK, port)

    assert (offer.password, offer.publickey, offer.weak) == (None, None, None)
    assert offer.message == f"sshd at {LOOPBACK}, port {port}: Connection refused"


def test_a_server_that_never_answers_is_given_up_on() -> None:
    ticks: list[float] = []
    silent = SilentPort(free_port())
    try:
        offer = look(USER, LOOPBACK, silent._listener.getsockname()[1], tick=lambda: ticks.append(monotonic()))
    finally:
        silent.stop()

    assert offer.password is None
    assert "timed out" in offer.message
    assert len(ticks) > 3


def test_an_address_that_is_no_longer_this_machines_is_not_asked(tmp_path: Path) -> None:
    with serving(tmp_path / "sshd", *KEYS_ONLY) as server:
        offer = look(USER, "192.0.2.1", server.port)

    assert (offer.password, offer.publickey) == (False, True)


@pytest.mark.parametrize(
    "wording", ["debug1: Authentication succeeded (none).", 'Authenticated to 127.0.0.1 ([127.0.0.1]:22) using "none".']
)
def test_an_account_without_a_password_is_no_keys_only_account(wording: str) -> None:
    assert read(f"debug1: Connecting to 127.0.0.1\n{wording}\n").password is True


def test_nothing_of_this_user_is_shown_to_the_server(tmp_path: Path) -> None:
    with serving(tmp_path / "sshd", *KEYS_ONLY) as server:
        ask(server)
        ended = f"Connection closed by authenticating user {USER} {LOOPBACK}"
        said = wait_for(
            lambda: ended in (text := server.log.read_text()) and text, "the end of the login in sshd's log"
        )

    assert "Failed publickey" not in said
    assert "Accepted" not in said
    assert run("ssh-keygen", "-lf", tmp_path / "sshd" / "ed25519").split()[1] not in said
