"""`gitops-vm smoke`, and which VM `--on` means, as a person or a script calls them."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.httpstage import Reply, Request, staged
from tests.localvm import ROOT
from tests.ports import SilentPort, free_port
from tests.process import Background, Failed, run
from tests.waiting import wait_for

Gitops = Callable[..., str]


@pytest.fixture
def gitops(tmp_path: Path) -> Gitops:
    """Calls a verb in a home of its own; keywords are environment variables."""
    home = tmp_path / "home"
    home.mkdir()

    def call(*words: str, **environ: str) -> str:
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), **environ}
        return run(sys.executable, "-m", "agent", *words, env=env, cwd=home)

    return call


def failed(call: Gitops, *words: str, **environ: str) -> Failed:
    with pytest.raises(Failed) as failure:
        call(*words, **environ)
    assert "Traceback" not in failure.value.err
    return failure.value


def test_a_good_app_is_exit_0_and_one_line(gitops: Gitops) -> None:
    with staged(Reply(body=b"mood: fine")) as stage:
        said = gitops("smoke", stage.url, "--expect", "fine")
        told = json.loads(gitops("smoke", "--json", stage.url))

    assert said.startswith(f"good  {stage.url}/  answered 200 in 0.")
    assert said.count("\n") == 1
    assert (told["good"], told["code"], told["outcome"], told["attempts"]) == (True, 200, "Good", 1)


def test_a_bad_one_is_exit_1_and_says_why(gitops: Gitops) -> None:
    with staged(Reply(503, b'{"reason":"OutOfInk"}', {"Content-Type": "application/json"})) as stage:
        failure = failed(gitops, "smoke", stage.url)
        assert json.loads(failed(gitops, "smoke", "--json", stage.url).out)["outcome"] == "WrongStatus"
        assert failed(gitops, "smoke", stage.url, "--status", "503", "--expect", "Paper").code == 1
        assert gitops("smoke", stage.url, "--status", "503", "--expect", "Ink")

    assert failure.code == 1
    assert failure.out == (
        f'bad   {stage.url}/  answered 503, not 200: {{"reason":"OutOfInk"}}; see why, on the VM: gitops-vm logs\n'
    )


def test_an_app_that_comes_up_meanwhile_is_good_at_a_later_attempt(gitops: Gitops) -> None:
    def starting(_: Request) -> Reply:
        return Reply(200 if len(stage.requests) == 3 else 502)

    with staged(starting) as stage:
        told = json.loads(gitops("smoke", stage.url, "--attempts", "5", "--json"))

    assert (told["good"], told["attempts"], len(stage.requests)) == (True, 3, 3)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("vm-1",),
        ("ftp://a/",),
        ("http://ada:canary@a/",),
        ("http://a/", "--within", "10"),
        ("http://a/", "--within", "0s"),
        ("http://a/", "--status", "20"),
        ("http://a/", "--attempts", "0"),
        ("http://a/", "--vms", "nowhere.ini"),
    ],
)
def test_what_cannot_be_meant_is_exit_64_with_what_to_write(gitops: Gitops, words: tuple[str, ...]) -> None:
    failure = failed(gitops, "smoke", *words)

    assert failure.code == 64
    assert len(failure.err.splitlines()) == 1
    assert "canary" not in failure.err


def test_those_that_hang_are_waited_for_together_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    port = free_port()
    silent = SilentPort(port)
    urls = [f"http://127.0.0.1:{port}/{number}" for number in range(5)]
    try:
        env = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        argv = (sys.executable, "-m", "agent", "smoke", "--within", "10m", *urls)
        waiting = Background(*argv, log=tmp_path / "log", env=env)
        wait_for(lambda: silent.accepted == len(urls), "a connection for each")
        os.kill(waiting.pid, signal.SIGINT)
        assert waiting.wait(timedelta(seconds=20)) == 130
    finally:
        silent.stop()
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("where", ["--vms", "environment", "here", "configuration"])
def test_the_vms_of_vms_ini_are_asked_by_name_or_all(gitops: Gitops, tmp_path: Path, where: str) -> None:
    path = tmp_path / {"here": "home/vms.ini", "configuration": "home/.config/gitops-vm/vms.ini"}.get(where, "my.ini")
    path.parent.mkdir(parents=True, exist_ok=True)
    options = ("--vms", str(path)) if where == "--vms" else ()
    environ = {"GITOPS_VM_VMS": str(path)} if where == "environment" else {}
    with staged(Reply()) as stage:
        path.write_text(f"[up]\nurl = {stage.url}\n[down]\nurl = http://127.0.0.1:{free_port()}\n[mute]\nhost = a\n")

        assert gitops("smoke", "up", *options, **environ).startswith("good")
        everybody = failed(gitops, *options, "smoke", "--json", **environ)
        assert [each["outcome"] for each in json.loads(everybody.out)] == ["Good", "Refused"]
        assert failed(gitops, "smoke", "mute", *options, **environ).code == 64
        assert "up, down, mute" in failed(gitops, "smoke", "vm-9", *options, **environ).err


def test_a_vms_ini_that_is_wrong_is_exit_64_with_its_line(gitops: Gitops, tmp_path: Path) -> None:
    (tmp_path / "home/vms.ini").write_text("[a]\nprot = 22\n")

    for words in (("smoke",), ("--on", "a", "status")):
        failure = failed(gitops, *words)
        assert (failure.code, failure.err) == (64, 'gitops-vm: vms.ini:2: a.prot: unknown key; did you mean "port"?\n')


@pytest.fixture
def ssh(tmp_path: Path, gitops: Gitops) -> Gitops:
    """What ssh is called with: the `ssh` of this PATH prints its arguments. The real one is in tests/vm."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    return lambda *words, **environ: gitops(*words, PATH=f"{program.parent}:{os.environ['PATH']}", **environ).strip()


def test_on_takes_a_vm_of_vms_ini_and_hands_on_the_verb_alone(ssh: Gitops, tmp_path: Path) -> None:
    (tmp_path / "home/vms.ini").write_text("[vm-1]\nhost = one\nuser = ops\nport = 22010\nidentity = ~/.ssh/one\n")
    way, words = "-o ConnectTimeout=10 -p {} -i ~/.ssh/one -o IdentitiesOnly=yes -- ops@one", ".local/bin/gitops-vm"

    for on in (("--on", "vm-1"), ("--on=vm-1",), ("--on",)):
        assert ssh(*on, "logs", "-n", "3") == f"{way.format(22010)} {words} logs -n 3"
    for port in (("-p", "9"), ("-p9",), ("--port=9",), ("--port", "9")):
        assert ssh("--on", *port, "status", "--json") == f"{way.format(9)} {words} status --json"
    assert ssh("--on", "status", GITOPS_VM_HOST="two") == f"-o ConnectTimeout=10 -- two {words} status"
    assert ssh("--on", "smoke", "http://a/") == f"{way.format(22010)} {words} smoke http://a/"


def test_a_vm_that_vms_ini_does_not_have_is_a_host_and_its_failure_names_those_it_has(
    gitops: Gitops, tmp_path: Path
) -> None:
    (tmp_path / "home/vms.ini").write_text("[vm-1]\nhost = one\n")

    failure = failed(gitops, "--on", "vm-l.invalid", "status")

    assert failure.code == 3  # 1 would be a verdict of the VM
    assert "ssh to vm-l.invalid failed (vms.ini has no such VM, it has vm-1); try: ssh vm-l.invalid true" in failure.err


def answering(ssh: Gitops, tmp_path: Path, script: str) -> Gitops:
    (tmp_path / "bin" / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    return ssh


def test_a_vm_that_is_not_reached_and_one_without_the_agent_have_a_reason_of_their_own(
    ssh: Gitops, tmp_path: Path
) -> None:
    (tmp_path / "home/vms.ini").write_text("[vm-1]\nhost = one\nport = 9\n")

    for code, on, words in (
        (255, "ops@one", "try: ssh ops@one true"),
        (127, "ops@one", "type, in a checkout of gitops-vm: python3 bootstrap.py ops@one"),
        (127, "vm-1", "type, in a checkout of gitops-vm: python3 bootstrap.py vm-1 -p 9"),
    ):
        failure = failed(answering(ssh, tmp_path, f"exit {code}"), "--on", on, "status", "--json")
        error = json.loads(failure.out)["error"]
        assert (failure.code, error["reason"], error["hint"]) == (3, "AgentUnreachable", words)


def test_the_host_keys_that_bootstrap_py_was_given_are_known_beside_ssh_s_own(ssh: Gitops, tmp_path: Path) -> None:
    ours = tmp_path / "home/.config/gitops-vm/known_hosts"
    ours.parent.mkdir(parents=True)
    ours.touch()

    own = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
    assert f'-o UserKnownHostsFile={own} "{ours}" -- one ' in ssh("--on", "one", "status")
    script = '[ "$1" = -G ] && echo "userknownhostsfile /mine /too" || echo "$@"'
    assert f'UserKnownHostsFile=/mine /too "{ours}" ' in answering(ssh, tmp_path, script)("--on", "one", "status")
    script = '[ "$1" = -G ] && echo "userknownhostsfile none" || echo "$@"'
    assert f'UserKnownHostsFile="{ours}" ' in answering(ssh, tmp_path, script)("--on", "one", "status")


def test_on_behind_the_verb_is_told_where_it_stands(ssh: Gitops) -> None:
    for words in (("status", "--on", "vm-1"), ("logs", "--on=vm-1")):
        said = failed(ssh, *words)
        assert (said.code, f"--on stands before the verb: gitops-vm --on VM {words[0]};" in said.err) == (64, True)
    assert "unrecognized arguments: --frobnicate" in failed(ssh, "status", "--frobnicate").err


def test_on_nobody_is_exit_64(ssh: Gitops) -> None:
    assert "on which VM?" in failed(ssh, "--on", "status").err
    assert failed(ssh, "--on", "-oProxyCommand=x", "status").code == 64
    assert failed(ssh, "--on").code == 64
