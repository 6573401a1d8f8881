"""Where sshd has its keys from, and in what state the files are: it works, or is told with a line that helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bootstrap.calling import Said
from tests.sshkey import SshKey
from tests.vm.ssh.judge import Judge
from tests.vm.ssh.laptop import Fault, Laptop
from tests.vm.ssh.site import KEYS, SSH, USER, Site

HOME = f"/home/{USER}"
ELSEWHERE = "/etc/ssh/keys"


@pytest.fixture(autouse=True)
def _as_before(site: Site) -> Iterator[None]:
    """What `hand_out` does not put right."""
    mode = site.machine.root(f"stat -c '%a %U:%G' {HOME}").split()
    try:
        yield
    finally:
        site.machine.root(f"chmod {mode[0]} {HOME}; chown {mode[1]} {HOME}; gpasswd -d ops {USER} || true")
        site.machine.root(f"rm -rf {ELSEWHERE} {HOME}/dotfiles {SSH}")


def refused(said: Said, *words: str) -> str:
    """What the one line says to type there."""
    assert said.code == 1, said.text
    (line,) = [each for each in said.text.splitlines() if each.startswith("failed")]
    for each in words:
        assert each in line
    return line.partition("type there: ")[2].rpartition(" (")[0]


def typed(site: Site, line: str) -> None:
    """By an administrator who is logged in there."""
    site.machine.root(["runuser", "-l", "ops", "-c", line])


def succeeds(laptop: Laptop, site: Site, *options: str) -> None:
    said = laptop.bootstrap(site, *options)
    assert said.code == 0, said.text


def from_elsewhere(site: Site, *keys: SshKey, also: str = "") -> None:
    """sshd takes keys from a file of root's, and where `also` says."""
    site.machine.put(f"{ELSEWHERE}/{USER}", "".join(f"{key.public}\n" for key in keys))
    site.drop_in("40-admin.conf", f"AuthorizedKeysFile {ELSEWHERE}/%u {also}\n")
    site.machine.root("systemctl restart ssh.service")


def test_a_home_that_its_group_can_write_to_is_told_with_the_group(site: Site, laptop: Laptop) -> None:
    """sshd would ignore the key there: StrictModes. The class's key lets in from elsewhere."""
    from_elsewhere(site, laptop.entry, also=".ssh/authorized_keys")
    site.machine.root(f"chmod 775 {HOME}; gpasswd -a ops {USER}")
    before = site.files()
    line = refused(laptop.bootstrap(site), f"the group {USER} can write to {HOME} (mode 775)", "chmod g-w")
    assert site.files() == before
    typed(site, f"sudo {line}")
    succeeds(laptop, site)
    assert Judge(site, laptop).lets_in(laptop.own)


def test_a_group_of_one_is_no_obstacle(site: Site, laptop: Laptop) -> None:
    site.machine.root(f"chmod 775 {HOME}")
    succeeds(laptop, site)
    assert Judge(site, laptop).look().logins == {"own"}


@pytest.mark.parametrize("sudo", ["free", None])
def test_where_sshd_does_not_read_the_home_it_is_told_where_the_key_goes(
    site: Site, laptop: Laptop, sudo: str | None
) -> None:
    site.hand_out(sudo)
    from_elsewhere(site, laptop.entry)
    site.machine.root(f"rm -r {SSH}")
    line = refused(laptop.bootstrap(site), f"takes the keys of {USER} from {ELSEWHERE}/{USER}")
    assert site.machine.root(f"ls -A {HOME} | grep -x .ssh || true") == ""
    typed(site, line)
    succeeds(laptop, site)
    assert Judge(site, laptop).lets_in(laptop.own)


@pytest.mark.parametrize("also", ["", ".ssh/authorized_keys"])
def test_a_key_that_lets_in_from_elsewhere_takes_the_others_out_of_the_home(
    site: Site, laptop: Laptop, also: str
) -> None:
    from_elsewhere(site, laptop.own, also=also)
    succeeds(laptop, site)
    assert site.keys() == f"# handed out with the VM\n{laptop.own.public}\n"
    judge = Judge(site, laptop)
    assert (judge.lets_in(laptop.own), judge.lets_in(laptop.entry)) == (True, False)
    before = site.files()
    succeeds(laptop, site)
    assert site.files() == before


def test_keys_with_the_line_ends_of_windows_are_put_in_order(site: Site, laptop: Laptop, tmp_path: Path) -> None:
    kept = SshKey.generate(tmp_path / "kept")
    lines = (" ".join(laptop.own.public.split()[:2]), kept.public, laptop.entry.public)
    site.machine.root(f"cat > {KEYS}", given="".join(f"{line}\r\n" for line in lines))
    succeeds(laptop, site, "--keep-key", kept.fingerprint)
    judge = Judge(site, laptop)
    assert judge.lets_in(kept)
    assert judge.look().logins == {"own"}


def test_a_key_in_the_second_file_is_as_good_and_the_class_s_goes(site: Site, laptop: Laptop) -> None:
    site.machine.root(f"cat > {KEYS}2; chown {USER}: {KEYS}2", given=f"{laptop.own.public}\n{laptop.entry.public}\n")
    succeeds(laptop, site)
    assert Judge(site, laptop).look().logins == {"own"}
    assert site.machine.get(f"{KEYS}2") == f"{laptop.own.public}\n"


def belongs_to_root(site: Site) -> None:
    site.machine.root(f"chown root: {KEYS}; chmod 644 {KEYS}")


def is_a_link(site: Site) -> None:
    site.machine.root(f"install -d -o {USER} -g {USER} {HOME}/dotfiles")
    site.machine.root(f"mv {KEYS} {HOME}/dotfiles/keys; ln -s ../dotfiles/keys {KEYS}; chown -h {USER}: {KEYS}")


@pytest.mark.parametrize("sudo", ["free", None])
@pytest.mark.parametrize("left", [belongs_to_root, is_a_link])
def test_a_file_that_is_a_link_or_root_s_is_changed_and_put_back_as_what_it_is(
    site: Site, laptop: Laptop, left: Callable[[Site], None], sudo: str | None
) -> None:
    site.hand_out(sudo)
    left(site)
    kind = site.machine.root(f"stat -c %F {KEYS}")
    judge = Judge(site, laptop)
    prune = "ssh_guard.sh prune" if sudo else "ssh_keys.sh prune"
    said = laptop.bootstrap(site, "--window", "6s", fault=Fault(at=prune, after="exit 1"))
    assert (said.code, laptop.faults) == (1, 1), said.text
    assert {"own", "entry"} <= judge.look().logins
    assert site.machine.root(f"stat -c %F {KEYS}") == kind
    succeeds(laptop, site)
    assert (judge.lets_in(laptop.own), judge.lets_in(laptop.entry)) == (True, False)
    assert site.machine.root(f"stat -c %F {KEYS}") == kind
    assert site.machine.root(f"ls -A {SSH}") == "authorized_keys\n"


def test_a_way_in_that_is_neither_key_nor_password_is_told_before_anything_is_changed(
    site: Site, laptop: Laptop
) -> None:
    site.drop_in("40-admin.conf", "GSSAPIAuthentication yes\n")
    site.machine.root("systemctl restart ssh.service")
    site.machine.root(f"cat >> {KEYS}", given=f"\n{laptop.own.public}\n")
    before = site.files()
    line = refused(laptop.bootstrap(site), "gssapi-with-mic")
    assert site.files() == before
    typed(site, line)
    succeeds(laptop, site)
    assert Judge(site, laptop).look().logins == {"own"}
