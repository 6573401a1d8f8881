"""The test bed itself: what the other VM tests rely on is true of a machine."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.gitserver import SshServer
from tests.ports import answers, free_port
from tests.process import Failed, descendants, is_alive, run
from tests.sshkey import SshKey
from tests.vm.container import control_groups
from tests.vm.leftovers import run_folder
from tests.vm.machine import Machine

ROOT = Path(__file__).parents[2]
LINGER = "loginctl enable-linger mood"
MANAGER_RUNS = "systemctl --user is-system-running --wait"


@pytest.fixture
def git(tmp_path: Path, machine: Machine) -> Iterator[SshServer]:
    with SshServer(tmp_path / "git", machine.key) as git:
        git.create("app")
        yield git


def test_a_machine_boots_a_whole_debian_with_systemd_as_pid_1(shared_machine: Machine) -> None:
    assert shared_machine.root("cat /proc/1/comm").strip() == "systemd"
    assert shared_machine.root("systemctl is-system-running").strip() == "running"
    assert shared_machine.root("hostname").strip() == shared_machine.name
    assert shared_machine.get("/etc/debian_version").startswith("12.")


def test_both_users_log_in_over_ssh_and_only_ops_becomes_root(shared_machine: Machine) -> None:
    assert shared_machine.ssh("mood", "id -un").strip() == "mood"
    assert shared_machine.ssh("ops", "sudo -n id -un").strip() == "root"
    with pytest.raises(Failed):
        shared_machine.ssh("mood", "sudo -n true")


def test_a_machine_has_python_and_no_uv(shared_machine: Machine) -> None:
    assert shared_machine.ssh("mood", "command -v python3") == "/usr/bin/python3\n"
    with pytest.raises(Failed):
        shared_machine.ssh("mood", "command -v uv")


def test_a_failed_command_tells_its_status_and_its_words(shared_machine: Machine) -> None:
    with pytest.raises(Failed) as failed:
        shared_machine.ssh("mood", "echo said; echo complained >&2; exit 7")
    assert (failed.value.code, failed.value.out, failed.value.err) == (7, "said\n", "complained\n")


def test_files_go_in_and_out_with_their_owner_and_mode(shared_machine: Machine) -> None:
    shared_machine.put("/home/mood/.config/deep/secret", "quiet\n", owner="mood", mode=0o600)
    assert shared_machine.get("/home/mood/.config/deep/secret") == "quiet\n"
    assert shared_machine.root("stat -c '%U %a' /home/mood/.config/deep/secret /home/mood/.config/deep") == (
        "mood 600\nmood 755\n"
    )


def test_nothing_of_the_host_s_environment_leaks_in(shared_machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "the-operator-s-own")
    seen = shared_machine.root("env") + shared_machine.as_user("mood", "env") + shared_machine.ssh("mood", "env")
    assert "the-operator-s-own" not in seen


def test_a_lingering_user_s_manager_runs_services_and_keeps_their_journal(machine: Machine) -> None:
    with pytest.raises(Failed):
        machine.as_user("mood", MANAGER_RUNS)
    machine.root(LINGER)
    machine.wait_for(lambda: machine.as_user("mood", MANAGER_RUNS), "mood's user manager")
    machine.as_user("mood", "systemd-run --user --wait echo 'a word for the journal'")
    machine.wait_for(lambda: "a word for the journal" in machine.journal("mood"), "the word in the journal")
    assert "a word for the journal" not in machine.journal("ops")
    assert machine.ssh("mood", "systemctl --user is-system-running").strip() == "running"


def test_a_power_cut_ends_every_process_and_frees_every_port(machine: Machine) -> None:
    port = free_port()
    machine.root(LINGER)
    machine.wait_for(lambda: machine.as_user("mood", MANAGER_RUNS), "mood's user manager")
    machine.as_user("mood", f"systemd-run --user python3 -m http.server --bind 127.0.0.1 {port}")
    machine.wait_for(lambda: answers(port), "the service's port")
    machine.put("/root/written", "before the cut")
    everyone = [machine.leader, *descendants(machine.leader)]
    assert len(everyone) > 5

    machine.power_cut()

    assert not any(map(is_alive, everyone))
    assert not answers(port)
    assert not answers(machine.ssh_port)
    machine.start()
    assert machine.get("/root/written") == "before the cut"
    assert machine.ssh("mood", "id -un").strip() == "mood"


def test_a_reboot_brings_back_sshd_and_the_lingering_user_s_enabled_service(machine: Machine) -> None:
    unit = "[Service]\nExecStart=sleep infinity\n[Install]\nWantedBy=default.target\n"
    machine.root(LINGER)
    machine.wait_for(lambda: machine.as_user("mood", MANAGER_RUNS), "mood's user manager")
    machine.put("/home/mood/.config/systemd/user/stays.service", unit, owner="mood")
    machine.as_user("mood", "systemctl --user daemon-reload; systemctl --user enable --now stays.service")
    boot_id = machine.get("/proc/sys/kernel/random/boot_id"), machine.leader

    machine.reboot()

    assert (machine.get("/proc/sys/kernel/random/boot_id"), machine.leader) != boot_id
    machine.wait_for(lambda: machine.as_user("mood", "systemctl --user is-active stays.service"), "the enabled service")
    assert "Stopped target" in machine.journal(None, "--boot=-1")


def test_a_reboot_asked_for_inside_ends_and_the_machine_starts_again(machine: Machine) -> None:
    with suppress(Failed):  # the connection may be cut before the command has returned
        machine.ssh("ops", "sudo systemctl reboot")
    machine.wait_off()
    machine.start()
    assert machine.ssh("ops", "id -un").strip() == "ops"


def test_two_machines_do_not_share_a_control_group(boot: Callable[..., Machine]) -> None:
    first, second = boot(), boot()
    for machine in (first, second):
        machine.root(LINGER)
        machine.wait_for(lambda machine=machine: machine.as_user("mood", MANAGER_RUNS), "mood's user manager")
    second.as_user("mood", "systemd-run --user --unit=mine sleep infinity")
    first.root("loginctl disable-linger mood; systemctl stop user@1001.service")
    assert second.as_user("mood", "systemctl --user is-active mine.service").strip() == "active"


def test_a_push_from_outside_is_fetched_inside_over_ssh(machine: Machine, git: SshServer, tmp_path: Path) -> None:
    revision = git.clone("app", tmp_path / "ada").deploy("first", {"app.py": "print('hello')\n"})
    machine.put("/home/mood/.ssh/id", machine.key.private.read_text(), owner="mood", mode=0o600)
    machine.put("/home/mood/.ssh/known_hosts", git.known_hosts.read_text(), owner="mood")
    clone = f"GIT_SSH_COMMAND='ssh -i ~/.ssh/id -o BatchMode=yes' git clone -q {git.url('app')} app"
    assert machine.ssh("mood", f"{clone} && git -C app rev-parse HEAD").strip() == revision


def test_a_user_installs_packages_into_a_venv(shared_machine: Machine) -> None:
    shared_machine.ssh("mood", "python3 -m venv ~/venv && ~/venv/bin/pip install -q sdnotify")
    assert (
        shared_machine.ssh("mood", "~/venv/bin/python -c 'import sdnotify; print(sdnotify.__name__)'") == "sdnotify\n"
    )


def test_a_bare_machine_has_no_git_and_installs_it_through_apt(boot: Callable[..., Machine]) -> None:
    bare = boot(bare=True)
    with pytest.raises(Failed):
        bare.ssh("ops", "git --version")
    bare.ssh(
        "ops", "sudo apt-get -qq update && sudo DEBIAN_FRONTEND=noninteractive apt-get -qq install -y git python3-venv"
    )
    assert bare.ssh("mood", "git --version").startswith("git version")
    bare.ssh("mood", "python3 -m venv ~/venv")


def test_a_debian_13_machine_boots_too(boot: Callable[..., Machine]) -> None:
    trixie = boot("trixie")
    assert trixie.get("/etc/debian_version").startswith("13")
    trixie.root(LINGER)
    trixie.wait_for(lambda: trixie.as_user("mood", MANAGER_RUNS), "mood's user manager")
    trixie.ssh("mood", "python3 -m venv ~/venv && ~/venv/bin/pip install -q sdnotify")


def test_nothing_is_left_of_a_machine(start_machine: Callable[..., Machine]) -> None:
    before = descendants(os.getpid())
    with start_machine() as machine:
        machine.root("mkdir /mnt/full; mount -t tmpfs -o size=1M tmpfs /mnt/full")
        name, folder = machine.name, machine.folder
        everyone = set(descendants(os.getpid())).difference(before)
        assert machine.leader in everyone
    assert not any(map(is_alive, everyone))
    assert not folder.exists()
    assert name not in Path("/proc/self/mounts").read_text()
    assert not [group for group in control_groups(name) if group.exists()]
    assert not answers(machine.ssh_port)
    assert not list(Path("/run/systemd/nspawn").rglob(f"*{name}*"))


def test_the_machines_of_a_run_that_was_killed_are_cleaned_up_by_the_next(
    image_of: Callable[[str, bool], Path], ssh_key: SshKey, tmp_path: Path
) -> None:
    with pytest.raises(Failed) as killed:
        run(
            sys.executable,
            "-c",
            KILLED_RUN,
            tmp_path / "machines",
            image_of("bookworm", False),
            ssh_key.private,
            cwd=ROOT,
        )
    assert killed.value.code == -signal.SIGKILL
    [leader] = (tmp_path / "machines").glob("*/*/leader")
    pid = int(leader.read_text().split()[0])
    assert is_alive(pid)
    with run_folder(tmp_path / "machines") as folder:
        assert not is_alive(pid)
        assert list((tmp_path / "machines").iterdir()) == [folder]


def test_a_run_leaves_the_machines_of_another_run_alone(tmp_path: Path) -> None:
    with run_folder(tmp_path / "machines") as folder:
        run(sys.executable, "-c", OTHER_RUN, tmp_path / "machines", cwd=ROOT)
        assert folder.is_dir()


KILLED_RUN = """
import os, sys
from pathlib import Path
from tests.sshkey import SshKey
from tests.vm.leftovers import run_folder
from tests.vm.machine import Machine
machines, image, key = map(Path, sys.argv[1:])
with run_folder(machines) as folder:
    Machine.boot(image, folder / "vm-of-a-killed-run", SshKey(private=key))
    os.kill(os.getpid(), 9)
"""
OTHER_RUN = """
import sys
from pathlib import Path
from tests.vm.leftovers import run_folder
with run_folder(Path(sys.argv[1])):
    pass
"""
