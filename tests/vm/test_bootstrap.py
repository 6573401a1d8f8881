"""bootstrap.py against fresh machines, over real ssh, with a repository behind a real git server over ssh."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Self

import pytest
import requests

from tests.bootstrap.calling import Said, call
from tests.gitserver import SshServer
from tests.ports import LOOPBACK, free_port
from tests.process import run
from tests.sshkey import SshKey
from tests.vm import image
from tests.vm.machine import Machine
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(900)

INSTALL = timedelta(minutes=8)
SMALL_APP = (Path(__file__).parent / "small_app.py").read_text()
CANARY = "hf_canary0123456789canary"
REFUSED = "Connection closed by authenticating user"
AGENT = ".local/share/gitops-vm/agent"


class Laptop:
    """A person with a key that opens the machine, and a repository with a small app in it."""

    def __init__(self, machine: Machine, git: SshServer, folder: Path) -> None:
        self.machine, self.git = machine, git
        self.port = free_port()
        git.create("app")
        self.clone = git.clone("app", folder / "clone")
        self.revision = self.clone.deploy("first", {"app.py": SMALL_APP, "desired-state.yaml": self._desired()})

    def _desired(self) -> str:
        service = f"service: {{exec: python app.py, port: {self.port}, notify: true}}"
        return f"apiVersion: gitops-vm/v1\napp: small\n{service}\nsync: {{interval: 2s}}\n"

    def bootstrap(self, user: str, *options: str, env: dict[str, str] | None = None) -> Said:
        fingerprint = run("ssh-keygen", "-lf", self.machine.known_hosts).split()[1]
        login = (f"{user}@{LOOPBACK}", "-p", str(self.machine.ssh_port), "-i", str(self.machine.key.private))
        repo = ("--repo", self.git.url("app"), "--repo-host-key", self.git.fingerprint, "--yes")
        return call(*login, "--host-key-fingerprint", fingerprint, *repo, *options, env=env, within=INSTALL)

    def version(self) -> str:
        answer = requests.get(f"http://{LOOPBACK}:{self.port}/version", timeout=5)
        return str(answer.json()["revision"])


@pytest.fixture
def git(tmp_path: Path, ssh_key: SshKey) -> Iterator[SshServer]:
    with SshServer(tmp_path / "git", ssh_key) as git:
        yield git


def failed(said: Said, step: str) -> str:
    """The one line that says why."""
    assert said.code == 1, said.text
    (line,) = [line for line in said.text.splitlines() if line.startswith("failed")]
    assert line.split()[1] == step, said.text
    return line


def files(machine: Machine, home: str) -> str:
    """Every file that bootstrap writes, with its content's digest, mode and inode."""
    places = f"{home}/.config/gitops-vm {home}/.config/systemd/user/gitops-agent.service {home}/{AGENT}"
    return machine.root(f"find {places} -type f -not -name '*.pyc' -exec stat -c '%n %i %a %U' {{}} + | sort")


def test_one_command_makes_a_fresh_vm_follow_a_repository_and_a_second_one_changes_nothing(
    boot: Callable[..., Machine], git: SshServer, ssh_key: SshKey, tmp_path: Path
) -> None:
    machine = boot(bare=True)
    laptop = Laptop(machine, git, tmp_path)
    key = ("--deploy-key", str(ssh_key.private))

    first = laptop.bootstrap("ops", *key, "--name", "vm-1")

    assert first.code == 0, first.text
    assert first.steps()["packages"] == first.steps()["agent"] == first.steps()["linger"] == "changed"
    assert f"\napp http://{LOOPBACK}:{laptop.port}/\n" in first.text
    assert f"\nremote {git.url('app')}\nstatus status/vm-1\n" in first.text
    assert laptop.version() == laptop.revision
    assert machine.as_user("ops", "systemctl --user is-active gitops-agent.service").strip() == "active"
    wait_for(lambda: laptop.clone.remote_head("status/vm-1"), "the evidence, which follows the pass")
    assert machine.ssh("ops", ".local/bin/gitops-vm version").startswith("gitops-vm ")
    before, pid = files(machine, "/home/ops"), _agent_pid(machine)

    second = laptop.bootstrap("ops", *key)

    assert second.code == 0, second.text
    assert set(second.steps().values()) == {"ok"}, second.text
    assert (files(machine, "/home/ops"), _agent_pid(machine)) == (before, pid)
    assert "status status/vm-1" in second.text


def test_a_key_made_on_the_vm_is_shown_and_waited_for_until_the_repository_accepts_it(
    machine: Machine, git: SshServer, tmp_path: Path
) -> None:
    machine.root("loginctl enable-linger mood")
    laptop = Laptop(machine, git, tmp_path)
    public = re.compile(r"^    (ssh-ed25519 \S+ gitops-vm@\S+)$", re.MULTILINE)

    early = laptop.bootstrap("mood", "--wait", "3s")

    assert "does not let us in" in failed(early, "repository")
    shown = public.findall(early.text)
    assert len(shown) == 1
    assert "deploy key" in early.text
    assert machine.as_user("mood", "test ! -e ~/.config/gitops-vm/source.yaml; echo none") == "none\n"

    read_only = threading.Timer(1, git.authorize, (shown[0],), {"read_only": True})
    read_only.start()
    reading = laptop.bootstrap("mood", "--wait", "20s")
    assert "write access" in failed(reading, "repository")
    git.revoke(shown[0])

    registered = threading.Thread(target=_once_refused, args=(git, shown[0]))
    registered.start()
    late = laptop.bootstrap("mood")
    assert late.code == 0, late.text
    registered.join()
    assert public.findall(late.text) == shown
    assert laptop.version() == laptop.revision


def _once_refused(git: SshServer, key: str) -> None:
    """Somebody adds the key after it was shown: the server has turned it away once more."""
    before = git.log().count(REFUSED)
    wait_for(lambda: git.log().count(REFUSED) > before, "a refused login", within=timedelta(minutes=3))
    git.authorize(key)


def test_who_may_not_keep_services_running_is_told_what_an_administrator_types(
    machine: Machine, git: SshServer, ssh_key: SshKey, tmp_path: Path
) -> None:
    laptop = Laptop(machine, git, tmp_path)
    key = ("--deploy-key", str(ssh_key.private))
    line = failed(laptop.bootstrap("mood", *key), "linger")
    command = line.partition("administrator to type: ")[2].rpartition(" (")[0]
    assert command == "sudo loginctl enable-linger mood"
    machine.ssh("ops", command)
    said = laptop.bootstrap("mood", *key)
    assert said.code == 0, said.text
    assert laptop.version() == laptop.revision


def test_where_polkit_allows_it_no_administrator_has_to_keep_services_running(
    image_of_polkit: Path, machines: Path, git: SshServer, ssh_key: SshKey, tmp_path: Path
) -> None:
    with Machine.boot(image_of_polkit, machines / f"vm-{secrets.token_hex(3)}", ssh_key) as machine:
        laptop = Laptop(machine, git, tmp_path)
        said = laptop.bootstrap("mood", "--deploy-key", str(ssh_key.private))
        assert said.code == 0, said.text
        assert said.steps()["linger"] == "changed"
        assert machine.root("ls /var/lib/systemd/linger") == "mood\n"
        assert laptop.version() == laptop.revision


@pytest.fixture(scope="module")
def image_of_polkit(say: Callable[[str], None]) -> Path:
    plain = image.recipe("bookworm", bare=False)
    return image.built(replace(plain, packages=(*plain.packages, "polkitd")), say)


def test_a_token_reaches_the_app_and_is_seen_nowhere_on_its_way(
    machine: Machine, git: SshServer, ssh_key: SshKey, tmp_path: Path
) -> None:
    machine.root("loginctl enable-linger mood")
    laptop = Laptop(machine, git, tmp_path)
    with Watching(CANARY) as watching:
        said = laptop.bootstrap(
            "mood", "--deploy-key", str(ssh_key.private), env={"HUGGING_FACE_TOKEN": f" {CANARY}\n"}
        )
    assert said.code == 0, said.text
    assert watching.looked > 10
    assert watching.seen == []
    assert CANARY not in said.text
    assert machine.as_user("mood", "stat -c %a ~/.config/gitops-vm/env; cat ~/.config/gitops-vm/env") == (
        f"600\nHF_TOKEN={CANARY}\n"
    )
    assert CANARY not in machine.journal()
    assert CANARY not in machine.root("grep -rl canary0123456789 /home/mood --exclude=env || true")
    laptop.clone.git("fetch", "--quiet", "origin", "+refs/*:refs/all/*")
    assert laptop.clone.git("log", "--all", "--oneline", f"-S{CANARY}") == ""

    again = laptop.bootstrap("mood", "--deploy-key", str(ssh_key.private))
    assert set(again.steps().values()) == {"ok"}
    assert "HF_TOKEN is set" in again.text


def test_without_sudo_it_says_which_packages_to_ask_for(
    boot: Callable[..., Machine], git: SshServer, tmp_path: Path
) -> None:
    laptop = Laptop(boot(bare=True), git, tmp_path)
    line = failed(laptop.bootstrap("mood"), "packages")
    assert "sudo apt-get install git python3-venv" in line


def test_a_repository_or_branch_that_is_not_there_is_named(
    machine: Machine, git: SshServer, ssh_key: SshKey, tmp_path: Path
) -> None:
    laptop = Laptop(machine, git, tmp_path)
    key = ("--deploy-key", str(ssh_key.private), "--wait", "1s")
    assert "trunk does not exist" in failed(laptop.bootstrap("mood", *key, "--branch", "trunk"), "repository")
    other = laptop.bootstrap("mood", *key, "--repo", git.url("nothing"))
    assert "there is no repository at" in failed(other, "repository")


def test_a_spec_that_cannot_work_ends_the_command_with_the_agent_s_own_words(
    machine: Machine, git: SshServer, ssh_key: SshKey, tmp_path: Path
) -> None:
    machine.root("loginctl enable-linger mood")
    laptop = Laptop(machine, git, tmp_path)
    laptop.clone.deploy("a port too low", {"desired-state.yaml": laptop._desired().replace(str(laptop.port), "80")})
    said = laptop.bootstrap("mood", "--deploy-key", str(ssh_key.private))
    assert "service.port: 80 is privileged" in failed(said, "ready")


class Watching:
    """Looks at every command line on this host, the machines' included, for as long as the block lasts."""

    def __init__(self, secret: str) -> None:
        self.seen: list[str] = []
        self.looked = 0
        self._secret = secret.encode()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._over.is_set():
            self.looked += 1
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    words = entry.read_bytes()
                except OSError:
                    continue
                if self._secret in words:
                    self.seen.append(words.decode(errors="replace"))
            time.sleep(0.05)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def _agent_pid(machine: Machine) -> str:
    return machine.as_user("ops", "systemctl --user show --property=MainPID --value gitops-agent.service")
