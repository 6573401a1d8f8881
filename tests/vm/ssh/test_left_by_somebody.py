"""What somebody left on the VM, or adds meanwhile: nothing of it locks the owner out, and it is named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.process import Failed
from tests.vm.ssh.conftest import SiteOf
from tests.vm.ssh.judge import Judge, State
from tests.vm.ssh.laptop import Fault, Laptop, quietly
from tests.vm.ssh.site import DROP_INS, KEYS, Site

WINDOW = timedelta(seconds=6)
WITHIN = ("--window", "6s")


LEFT = (
    "Frobnicate yes",
    "AllowUsers nobody",
    "DenyUsers student-*",
    "AllowGroups wheel",
    "DenyGroups wheel *-admin",
    "AuthenticationMethods publickey,password",
    "AuthorizedKeysFile /etc/ssh/keys/%u",
    "Port 2299",
    "ListenAddress 127.0.0.9",
    "AllowUsers student-admin@10.0.0.0/8",
    "DenyUsers *@127.0.0.0/8",
    "ForceCommand /bin/false",
    "ChrootDirectory /var/empty",
    "PubkeyAcceptedAlgorithms rsa-sha2-512",
    "PubkeyAuthentication no",
)


@pytest.mark.parametrize("line", LEFT)
def test_a_line_somebody_left_that_would_lock_out_is_named_and_nothing_changes(
    site: Site, laptop: Laptop, line: str
) -> None:
    """sshd runs without it so far. Its next start, and so ours, would put it in force."""
    site.drop_in("70-somebody.conf", f"{line}\n")
    judge = Judge(site, laptop)
    said = laptop.bootstrap(site, *WITHIN)
    assert said.code == 1, said.text
    (told,) = [each for each in said.text.splitlines() if each.startswith("failed")]
    assert "70-somebody.conf" in told
    assert judge.settled(WINDOW) is State.OLD


# What systemd tells of an sshd that was started by a clock two hours ahead, which has been set back since.
AHEAD = """\
#!/bin/sh
case "$*" in
  *ExecMainStartTimestamp*) date -u -d "2 hours" "+ExecMainStartTimestamp=%a %Y-%m-%d %H:%M:%S UTC" ;;
  *) exec /usr/bin/systemctl "$@" ;;
esac
"""


def test_a_clock_that_was_set_back_hides_no_line(site: Site, laptop: Laptop) -> None:
    site.machine.put("/usr/local/sbin/systemctl", AHEAD, mode=0o755)
    try:
        site.drop_in("70-somebody.conf", "AllowUsers nobody\n")
        judge = Judge(site, laptop)
        said = laptop.bootstrap(site, *WITHIN)
        assert said.code == 1, said.text
        assert "70-somebody.conf, and our restart" in said.text
        assert judge.settled(WINDOW) is State.OLD
        site.machine.root(f"rm {DROP_INS}/70-somebody.conf; systemctl restart ssh.service")
        judge.remember()
        said = laptop.bootstrap(site)
        assert said.code == 0, said.text
        assert judge.settled(WINDOW) is State.NEW
    finally:
        site.machine.root("rm /usr/local/sbin/systemctl")


def test_lines_that_let_the_owner_in_are_no_obstacle(site: Site, judge: Judge, laptop: Laptop) -> None:
    site.drop_in(
        "70-somebody.conf", "AllowUsers ops student-*@127.0.0.0/8\nAllowGroups wheel student-*\nDenyUsers student\n"
    )
    site.machine.root("systemctl restart ssh.service")
    judge.remember()
    said = laptop.bootstrap(site)
    assert said.code == 0, said.text
    assert judge.settled(WINDOW) is State.NEW


def test_a_lock_out_that_somebody_adds_meanwhile_is_not_put_in_force_by_undoing_ours(
    site: Site, judge: Judge, laptop: Laptop
) -> None:
    """Between our look at it and the end of the window: sshd is left running as it is until somebody corrects it."""
    add = site.machine.root_argv(["sh", "-c", f"echo AllowUsers nobody > {DROP_INS}/70-somebody.conf"])
    said = laptop.bootstrap(site, *WITHIN, fault=Fault(at="ssh_guard.sh apply", before=quietly(add)))
    assert (said.code, laptop.faults) == (1, 1), said.text
    assert "70-somebody.conf" in said.text
    for key in (laptop.own, laptop.entry):
        assert judge.lets_in(key)
    site.machine.root(f"rm {DROP_INS}/70-somebody.conf")
    assert judge.settled(WINDOW) is State.OLD


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_match_block_that_allows_passwords_again_comes_too_late(site_of: SiteOf, laptop: Laptop, suite: str) -> None:
    site = site_of(suite=suite)
    site.drop_in("60-match.conf", "Match User student-*\n  PasswordAuthentication yes\n  AuthenticationMethods any\n")
    site.machine.root("systemctl restart ssh.service")
    judge = Judge(site, laptop)
    said = laptop.bootstrap(site)
    assert said.code == 0, said.text
    assert judge.settled(WINDOW) is State.NEW


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_failed_socket_beside_a_running_sshd_is_no_trap(site_of: SiteOf, laptop: Laptop, suite: str) -> None:
    site = site_of(by_socket=True, suite=suite)
    judge = Judge(site, laptop)
    assert judge.lets_in(laptop.entry)  # so that sshd runs
    with pytest.raises(Failed):
        site.machine.root("systemctl try-restart ssh.socket")
    states = site.machine.root("systemctl is-active ssh.socket ssh.service || true").split()
    assert states[0] != "active"
    assert states[1] == "active"
    said = laptop.bootstrap(site)
    assert said.code == 0, said.text
    assert judge.settled(WINDOW) is State.NEW


def test_a_changed_host_key_stops_everything(site: Site, judge: Judge, laptop: Laptop) -> None:
    site.machine.root("cd /etc/ssh; ssh-keygen -q -t ed25519 -N '' -f new; mv new ssh_host_ed25519_key")
    site.machine.root("cd /etc/ssh; mv new.pub ssh_host_ed25519_key.pub; systemctl restart ssh.service")
    judge.remember()
    said = laptop.bootstrap(site)
    assert said.code == 1
    assert "host key" in said.text
    key = site.machine.get("/etc/ssh/ssh_host_ed25519_key.pub")
    site.machine.known_hosts.write_text(f"[{site.machine.address}]:{site.machine.ssh_port} {key}")
    assert judge.settled(WINDOW) is State.OLD
    assert "Accepted" not in site.machine.journal(None, "--unit=ssh.service", "--since=-5s").partition("Starting")[0]


def test_what_somebody_took_away_without_a_restart_is_named_as_well(site: Site, laptop: Laptop) -> None:
    """sshd still runs with it."""
    site.drop_in("70-somebody.conf", "MaxAuthTries 5\n")
    site.machine.root(f"systemctl restart ssh.service; rm {DROP_INS}/70-somebody.conf")
    judge = Judge(site, laptop)
    said = laptop.bootstrap(site, *WITHIN)
    assert said.code == 1, said.text
    assert f"{DROP_INS}, and our restart" in said.text
    assert judge.settled(WINDOW) is State.OLD
    site.machine.root("systemctl restart ssh.service")
    assert laptop.bootstrap(site).code == 0
    assert judge.settled(WINDOW) is State.NEW


def test_keys_that_could_not_be_put_back_are_left_alone(site: Site, laptop: Laptop) -> None:
    site.machine.root(f"cat >> {KEYS}", given=f"\n{laptop.own.public}\n")
    site.machine.root(f"cp -p {KEYS} /etc/keys; mount --bind /etc/keys {KEYS}")
    try:
        judge = Judge(site, laptop)
        said = laptop.bootstrap(site, *WITHIN)
        assert said.code == 1, said.text
        assert f"{KEYS} cannot be replaced; everything was put back" in said.text
        assert judge.settled(WINDOW) is State.OLD
    finally:
        site.machine.root(f"umount {KEYS}; rm /etc/keys")


def test_what_an_administrator_closed_stays_closed(site: Site, laptop: Laptop) -> None:
    closed = "PermitRootLogin no\nMACs umac-128-etm@openssh.com\nMatch User ops\n  PubkeyAuthentication no\n"
    site.drop_in("40-admin.conf", closed)
    site.machine.root("systemctl restart ssh.service")
    for _ in range(2):
        said = laptop.bootstrap(site, "--crypto")
        assert said.code == 0, said.text
        effective = site.effective().splitlines()
        assert {"permitrootlogin no", "macs umac-128-etm@openssh.com"} <= {*effective}
        assert not any("ecdh-sha2" in line for line in effective if line.startswith("kexalgorithms "))
        assert "pubkeyauthentication no" in site.machine.root("sshd -T -C user=ops,host=h,addr=10.0.0.1").splitlines()
    assert " changed " not in said.text
