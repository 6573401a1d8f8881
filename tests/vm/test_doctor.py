"""bootstrap.py's check, recover and uninstall: one VM, broken in every way somebody finds one broken, from a laptop."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bootstrap.calling import Said, call
from tests.ports import free_port
from tests.process import run
from tests.vm.conftest import Boot
from tests.vm.machine import Machine
from tests.vm.product import USER, Product, files_of

DATA = f"/home/{USER}/.local/share/gitops-vm"
DROP_IN = "/etc/ssh/sshd_config.d/00-gitops-vm.conf"
STRANGER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIVIC02vnjFyL+I4RHfvIGNtOgJMe769VTF1VR4EB3ZB"
UID = 1001
SUDO = f"/etc/sudoers.d/90-{USER}"


@pytest.fixture(scope="module")
def machine(start_machine: Boot) -> Iterator[Machine]:
    """Its user may use sudo; nobody has said that services run without a login."""
    with start_machine() as machine:
        machine.put(SUDO, f"{USER} ALL=(ALL) NOPASSWD:ALL\n", mode=0o440)
        yield machine


@pytest.fixture(scope="module")
def handed_out(machine: Machine) -> Snapshot:
    return snapshot(machine)


@pytest.fixture(scope="module")
def product(machine: Machine, handed_out: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """SSH is secured as well."""
    product = Product(machine, tmp_path_factory.mktemp("doctor"))
    try:
        product.push("first", files_of(product))
        product.install()
        yield product
    finally:
        product.server.down()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What an installation changes, and an uninstallation is to give back."""

    files: str
    sshd: str
    units: str
    lingers: bool


def snapshot(machine: Machine) -> Snapshot:
    # What pip and apt downloaded is theirs; an empty ~/.config is nobody's.
    skipped = f"-path /home/{USER}/.cache -prune -o"
    places = f"/home/{USER} /etc/ssh /etc/systemd/system /var/lib/gitops-vm"
    files = machine.root(f"find {places} {skipped} -printf '%p %m %u %s\\n' 2>/dev/null | grep -v ' 4096$' | sort")
    place = f"user={USER},host={machine.address},addr={machine.address}"
    return Snapshot(
        files=files,
        sshd=machine.root(f"mkdir -p /run/sshd; sshd -T -C {place}"),
        units=machine.root("systemctl list-unit-files --no-legend 'gitops*' || true; systemctl --failed --no-legend"),
        lingers=machine.root("ls /var/lib/systemd/linger 2>/dev/null || true") != "",
    )


def verb(product: Product, name: str, *options: str, user: str = USER) -> Said:
    machine = product.machine
    fingerprint = run("ssh-keygen", "-lf", machine.known_hosts).split()[1]
    login = (f"{user}@{machine.address}", "-p", str(machine.ssh_port), "-i", str(machine.key.private))
    return call(name, *login, "--host-key-fingerprint", fingerprint, *options, within=timedelta(minutes=5))


def failures(said: Said) -> dict[str, str]:
    """What failed, and its line."""
    lines = [line for line in said.text.splitlines() if line.startswith("failed")]
    return {line[9:20].strip(): line for line in lines}


def changed(said: Said) -> set[str]:
    return {step for step, state in said.steps().items() if state == "changed"}


def test_a_vm_that_is_well_is_found_well_and_left_as_it_is(product: Product) -> None:
    _well(product)
    before = _files(product)

    said = verb(product, "check")

    assert said.code == 0, said.text
    assert failures(said) == {}
    assert _files(product) == before


SLOW_CLOCK = """\
printf '#!/bin/sh\\nexec /bin/date -d -605sec "$@"\\n' > /usr/local/bin/date; chmod 755 /usr/local/bin/date
"""
BROKEN = {
    "the agent is stopped": (
        "user systemctl --user stop gitops-agent.service",
        "user systemctl --user start gitops-agent.service",
        {"agent": "gitops-agent.service is inactive; type: python3 bootstrap.py recover "},
    ),
    "its environment is damaged": (
        f"mv {DATA}/agent/current/bin/python {DATA}/agent/python",
        f"mv {DATA}/agent/python {DATA}/agent/current/bin/python",
        {
            "agent": "does not start",
            **dict.fromkeys(["heartbeat", "repository", "app", "answer"], "not known: the agent's program does not"),
        },
    ),
    "lingering is off": (
        f"rm /var/lib/systemd/linger/{USER}",
        f"touch /var/lib/systemd/linger/{USER}",
        {"agent": "lingering is off"},
    ),
    "somebody else's key": (
        f"echo '{STRANGER} a stranger' >> /home/{USER}/.ssh/authorized_keys",
        f"sed -i '/a stranger/d' /home/{USER}/.ssh/authorized_keys",
        {"other keys": "a stranger; type: python3 bootstrap.py "},
    ),
    "passwords open the door": (
        f"sed -i 's/PasswordAuthentication no/PasswordAuthentication yes/' {DROP_IN}; systemctl restart ssh",
        f"sed -i 's/PasswordAuthentication yes/PasswordAuthentication no/' {DROP_IN}; systemctl restart ssh",
        {"passwords": "sshd still offers publickey,password", "sshd": "00-gitops-vm.conf in /etc/ssh"},
    ),
    "a clock that is off": (
        SLOW_CLOCK,
        "rm /usr/local/bin/date",
        {"clock": "behind this machine's; type there: sudo timedatectl set-ntp true"},
    ),
    "a program is missing": (
        "mv /usr/bin/git /usr/bin/git.away",
        "mv /usr/bin/git.away /usr/bin/git",
        {"packages": "missing: git; type there: sudo apt-get install git", "repository": "git"},
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_fails_with_what_to_type_and_nothing_else_does(product: Product, name: str) -> None:
    broken, whole, expected = BROKEN[name]
    _well(product)
    _on(product, broken)
    try:
        said = verb(product, "check")
    finally:
        _on(product, whole)

    assert said.code == 1, said.text
    found = failures(said)
    assert set(found) == set(expected), said.text
    for step, words in expected.items():
        assert words in found[step]


def test_a_repository_that_is_gone_and_an_app_behind_a_firewall_are_told_apart_from_the_rest(
    product: Product, tmp_path: Path
) -> None:
    _well(product)
    vms = tmp_path / "vms.ini"
    machine, nobody = product.machine, free_port()
    vms.write_text(f"[vm-1]\nhost = {machine.address}\nuser = {USER}\nurl = http://{machine.address}:{nobody}/\n")
    login = ("-p", str(machine.ssh_port), "-i", str(machine.key.private), "--vms", str(vms))
    product.server.down()
    try:
        said = call("check", "vm-1", *login, "--json")
    finally:
        product.server.up()

    assert said.code == 1
    told = {line["step"]: line for line in map(json.loads, said.text.splitlines())}
    assert {name for name, line in told.items() if line["state"] == "failed"} == {"repository", "reachable"}
    assert told["answer"]["state"] == "ok"
    assert "but the app does on the VM: something is in the way" in told["reachable"]["detail"]


def test_a_vm_without_an_agent_and_without_room_says_so(product: Product) -> None:
    machine = product.machine
    machine.root(
        "install -d -o ops -g ops /home/ops/.local; mount -t tmpfs -o size=100M,uid=1000 tmpfs /home/ops/.local"
    )
    try:
        said = verb(product, "check", user="ops")
    finally:
        machine.root("umount /home/ops/.local")

    found = failures(said)
    assert "100 MB free on /home/ops/.local; type there: sudo apt-get clean" in found["disk"]
    assert "the agent is not installed; type: python3 bootstrap.py ops@" in found["agent"]
    assert "--repo URL" in found["agent"]
    assert {"own key", "passwords", "sshd", "packages"} & set(found) == set()


def test_recover_leaves_alone_what_is_well_and_what_was_stopped_on_purpose(product: Product) -> None:
    _well(product)
    pid, running = product.agent_pid(), product.version()["pid"]
    said = verb(product, "recover")
    assert (said.code, set(said.steps())) == (0, {"connection", "smoke"}), said.text
    assert "nothing to do" in said.text
    assert (product.agent_pid(), product.version()["pid"]) == (pid, running)

    product.agent("stop")
    said = verb(product, "recover")
    product.agent("start")
    assert (said.code, set(said.steps())) == (0, {"connection", "smoke"}), said.text


def test_recover_sets_up_again_what_does_not_hold(product: Product) -> None:
    _well(product)
    product.shell(f"rm -r {DATA}/agent/current/lib/python3*/site-packages/yaml")
    product.shell("rm ~/.config/systemd/user/gitops-agent.service")
    product.machine.root(f"rm /var/lib/systemd/linger/{USER} /run/user/{UID}/bus /run/user/{UID}/systemd/private")

    would = verb(product, "recover", "--cooldown", "0s", "--dry-run")
    said = verb(product, "recover", "--cooldown", "0s")

    assert would.code == 2, would.text
    assert said.code == 0, said.text
    expected = {"manager", "linger", "agent", "service"}
    assert expected <= changed(said) <= {*expected, "app"}, said.text
    _well(product)
    assert failures(verb(product, "check")) == {}


def test_two_recoveries_at_once_act_once_and_the_next_waits_for_its_turn(product: Product) -> None:
    _well(product)
    product.systemctl("stop", "gitops-agent.service")
    with ThreadPoolExecutor(max_workers=2) as pool:
        both = [pool.submit(verb, product, "recover", "--cooldown", "0s") for _ in range(2)]
        said = sorted((each.result() for each in both), key=lambda each: len(each.text))

    assert [each.code for each in said] == [0, 0], said
    assert "is at work; nothing was done" in said[0].text
    assert {"service"} <= changed(said[1]) <= {"service", "app"}
    _well(product)

    product.systemctl("stop", "gitops-agent.service")
    soon = verb(product, "recover", "--cooldown", "1h")
    assert soon.code == 1
    assert "it was tried less than 60 min ago; the next may be in" in failures(soon)["turn"]
    assert product.agent_pid() == 0
    assert verb(product, "recover", "--cooldown", "0s").code == 0


def test_a_vm_that_cannot_be_reached_is_one_line_and_takes_a_turn(product: Product) -> None:
    _well(product)
    product.machine.root("systemctl stop ssh.service")
    away = verb(product, "recover", "--cooldown", "1h", "--yes", user="ops")
    product.machine.root("systemctl start ssh.service")

    assert away.code == 1
    assert "nothing listens on port" in failures(away)["connection"]
    back = verb(product, "recover", "--cooldown", "1h", user="ops")
    assert "it was tried less than" in failures(back)["turn"]
    new = verb(product, "recover", "--cooldown", "0s", user="ops")
    assert "source.yaml is not there: nothing is followed; type: python3 bootstrap.py ops@" in failures(new)["turn"]


def test_an_installation_is_refused_for_want_of_room_and_for_a_clock_that_is_off(product: Product) -> None:
    machine = product.machine
    login = ("--repo", product.server.url("app"), "--yes", "--only", "agent")
    machine.root(
        "install -d -o ops -g ops /home/ops/.local; mount -t tmpfs -o size=100M,uid=1000 tmpfs /home/ops/.local"
    )
    full = verb(product, "install", *login, user="ops")
    machine.root("umount /home/ops/.local")
    _on(product, SLOW_CLOCK)
    slow = verb(product, "install", *login, user="ops")
    machine.root("rm /usr/local/bin/date")

    assert "100 MB free on /home/ops/.local; agent and app need 2.0 GB to begin with; type" in failures(full)["room"]
    assert "its clock is 60" in failures(slow)["room"]
    assert "behind this machine's: TLS and git would fail; type there: sudo timedatectl" in failures(slow)["room"]
    assert machine.root("ls -A /home/ops/.local /home/ops/.config 2>/dev/null || true").split() == ["/home/ops/.local:"]


def test_a_port_that_somebody_else_holds_is_refused_with_who_holds_it(product: Product) -> None:
    _well(product)
    port = free_port()
    holder = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    product.machine.root(["systemd-run", "--quiet", "--unit=holder", "python3", "-c", holder])
    declared, product.port = product.port, port
    product.push("a port of somebody else's", files_of(product))
    try:
        line = failures(product.bootstrap("--only", "agent"))["ready"]
    finally:
        product.machine.root("systemctl stop holder")
        product.port = declared
        product.live(product.push("its own port again", files_of(product)))

    assert re.search(rf"port {port} is held by a process of another user.* \(process \d+, python3\)", line), line


def test_uninstall_says_what_would_go_and_asks_before_it_takes_data(product: Product) -> None:
    _well(product)
    before = _files(product)

    asked = verb(product, "uninstall")
    would = verb(product, "uninstall", "--dry-run")
    product.machine.root(["mv", SUDO, "/root/sudo"])
    without_root = verb(product, "uninstall", "--dry-run")
    product.machine.root(["mv", "/root/sudo", SUDO])

    assert asked.code == 1
    assert "of releases and data: nobody is here to agree; add --yes; and --keep-data" in asked.text
    assert would.code == 2, would.text
    assert would.text.count("would change") == 4
    assert without_root.text.count("would change") == 3
    assert f"an administrator removes them: sudo rm {DROP_IN} && sudo systemctl restart ssh" in without_root.text
    assert _files(product) == before
    assert product.version()["revision"] == product.repo.head


def test_uninstall_gives_everything_back_and_its_owner_still_gets_in(
    product: Product, machine: Machine, handed_out: Snapshot
) -> None:
    _well(product)
    assert snapshot(machine).lingers
    # It bites as soon as our settings are gone.
    theirs = "/etc/ssh/sshd_config.d/50-theirs.conf"
    machine.put(theirs, "PubkeyAuthentication no\n")

    kept = verb(product, "uninstall", "--keep-data", "--yes")

    assert set(kept.steps().values()) == {"ok", "changed", "failed"}
    assert f"sshd runs without the last change of {theirs}" in failures(kept)["ssh"]
    assert f"delete it at the deploy keys of app (or authorized_keys) at {machine.address}" in kept.text
    assert machine.ssh(USER, "echo in") == "in\n"
    machine.root(f"rm {theirs}; systemctl restart ssh.service")
    kept = verb(product, "uninstall", "--keep-data", "--yes")
    assert kept.code == 0, kept.text
    assert kept.steps()["ssh"] == "changed"
    assert machine.root(f"ls -A {DATA}").split() == ["cache", "current", "mirrors", "releases", "state", "venvs"]
    assert snapshot(machine).sshd == handed_out.sshd
    assert machine.ssh(USER, "systemctl --user list-units --all --no-legend 'gitops*'") == ""

    rest = verb(product, "uninstall", "--yes")

    assert rest.code == 0, rest.text
    machine.wait_for(lambda: snapshot(machine) == handed_out, "everything to be as it was handed out")
    assert machine.ssh(USER, "echo in") == "in\n"

    again = verb(product, "uninstall")
    assert again.code == 0
    assert "nothing of gitops-vm is on" in again.text
    assert set(again.steps().values()) == {"ok"}


def _well(product: Product) -> None:
    def runs() -> bool:
        return product.show("gitops-agent.service", "ActiveState")["ActiveState"] == "active"

    product.machine.wait_for(runs, "the agent to run")
    product.settled()


def _on(product: Product, script: str) -> None:
    """As the user where it says so, else as root."""
    kind, _, rest = script.partition(" ")
    if kind == "user":
        product.shell(rest)
    else:
        product.machine.root(script)


def _files(product: Product) -> str:
    """Of the user, whose agent writes only below its own data, and of sshd."""
    places = f"/home/{USER}/.config /home/{USER}/.ssh /home/{USER}/.local/bin /etc/ssh"
    return product.machine.root(f"find {places} -type f -exec stat -c '%n %i %a %U %Y' {{}} + | sort")
