"""vms.ini, and what decides how a VM is reached."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from agent.problems import InvalidSpec
from agent.reach import Access, reach
from agent.vms import KEYS, VM, parse

ROOT = Path(__file__).parent.parent.parent
ONE = VM(section="vm-1", name="vm-1", host="one.example.edu", user="ops", port=22010, identity="~/.ssh/one")


def test_the_example_of_the_documentation_is_read() -> None:
    (example,) = re.findall(r"```ini\n(.*?)```", (ROOT / "docs/vms.md").read_text(), re.DOTALL)

    assert parse(example, file="vms.ini") == {
        "vm-1": VM(
            section="vm-1",
            name="vm-1",
            host="vm.example.edu",
            port=22010,
            user="ops",
            identity="~/.ssh/id_ed25519",
            keep_key="SHA256:u2pEyaINOBDrRqLsLlfIZjeqPs5pNM35tNnBdlNU8HY, ~/keys/colleague.pub",
            repo="git@github.com:me/mood.git",
            status_repo="git@github.com:me/mood-status.git",
            host_key_fingerprint="SHA256:bRAbNk1PzbDuyfIyD/zG4kBdyFWzkHGLx0z9k5B8kIU",
            url="https://mood.example.edu/",
        )
    }


def test_every_key_is_documented() -> None:
    assert all(f"`{key}`" in (ROOT / "docs/vms.md").read_text() for key in KEYS)


def test_sections_keep_their_order_and_take_what_holds_for_all() -> None:
    read = parse("[DEFAULT]\nuser = ops\n[b]\n[a]\nuser = ada\nname = x\n", file="vms.ini")

    assert [(vm.section, vm.user, vm.name) for vm in read.values()] == [("b", "ops", "b"), ("a", "ada", "x")]


def test_keys_that_stay_stand_on_one_line_or_on_several() -> None:
    whole = f"SHA256:{'a' * 43}"
    for text in (whole, f"{whole}, ~/my keys/a.pub", f"a.pub,\n  {whole}\n  b.pub", ""):
        assert parse(f"[a]\nkeep-key = {text}\nport = 9\n", file="vms.ini")["a"].port == 9


def test_an_empty_file_names_nobody_and_a_percent_sign_is_one() -> None:
    assert parse("", file="vms.ini") == {}
    assert parse("[a]\nurl = https://a/%20b\n", file="vms.ini")["a"].url == "https://a/%20b"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("host = a\n", "vms.ini:1: write the name of a VM in brackets first: [vm-1]"),
        ("[a]\n[a]\n", "vms.ini:2: a second [a]"),
        ("[a]\nhost = x\nhost = y\n", "vms.ini:3: host is there twice in [a]"),
        ("[a]\n\nhost\n", "vms.ini:3: write key = value"),
        ("[a]\n# x\nprot = 22\n", 'vms.ini:3: a.prot: unknown key; did you mean "port"?'),
        ("[a]\ncolour = red\n", f"vms.ini:2: a.colour: unknown key; known here: {', '.join(KEYS)}"),
        ("[DEFAULT]\nport = 0\n[a]\n", "vms.ini:2: a.port: write a number from 1 to 65535"),
        ("[a]\nport = ٢٢\n", "vms.ini:2: a.port: write a number from 1 to 65535"),
        ("[a]\nhost = ops@x\n", "vms.ini:2: a.host: write a name or an address, without user and port"),
        ("[a]\nhost = -oProxyCommand=x\n", "vms.ini:2: a.host: write a name or an address, without user and port"),
        ("[a]\nuser = -l\n", "vms.ini:2: a.user: write the name of the account the agent runs as"),
        ("[a]\nidentity = -x\n", "vms.ini:2: a.identity: write the path of a private ssh key"),
        ("[a]\nkeep-key = SHA256:abc\n", "vms.ini:2: a.keep-key: write fingerprints SHA256:... or files of keys"),
        ("[a]\nkeep-key = a.pub\n  -x\nprot = 1\n", "vms.ini:2: a.keep-key: write fingerprints"),
        ("[a]\nrepo = --upload-pack=x\n", "vms.ini:2: a.repo: write the repository's URL"),
        ("[a]\nstatus-repo = --upload-pack=x\n", "vms.ini:2: a.status-repo: write the repository's URL"),
        (
            "[a]\nhost-key-fingerprint = MD5:1\n",
            "vms.ini:2: a.host-key-fingerprint: write it as ssh-keygen -l prints it",
        ),
        ("[a]\nname = ../x\n", "vms.ini:2: a.name: write what follows status/"),
        ("[a]\nurl = vm.example.edu\n", "vms.ini:2: a.url: write a URL such as https://"),
        ("[a]\nurl = https://ada:canary@x/\n", "vms.ini:2: a.url: a URL on a command line shows its password"),
        ("[a b]\n", "vms.ini:1: a b: name the VM with letters"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        parse(text, file="vms.ini")

    assert str(refused.value).startswith(problem)
    assert "canary" not in str(refused.value)


def test_every_problem_is_said_at_once() -> None:
    with pytest.raises(InvalidSpec) as refused:
        parse("[a]\nport = x\n[b]\nhots = x\n", file="vms.ini")

    assert [(each.line, each.path) for each in refused.value.problems] == [(2, "a.port"), (4, "b.hots")]


def test_what_is_typed_beats_the_environment_and_that_beats_the_file() -> None:
    for typed, exported, written in product((True, False), repeat=3):
        given = Access(
            host="ada@vm-1" if typed else "vm-1", port=1 if typed else None, identity="typed" if typed else ""
        )
        environ = {"USER": "me"}
        if exported:
            environ |= {
                f"GITOPS_VM_{key}": value for key, value in (("PORT", "2"), ("USER", "env"), ("IDENTITY", "env"))
            }
        reached = reach(given, environ, {"vm-1": ONE} if written else {})

        assert reached.host == ("one.example.edu" if written else "vm-1")
        assert reached.user == ("ada" if typed else "env" if exported else "ops" if written else "")
        assert reached.port == (1 if typed else 2 if exported else 22010 if written else None)
        assert reached.identity == ("typed" if typed else "env" if exported else "~/.ssh/one" if written else "")


def test_a_section_without_a_host_is_one_as_ssh_knows_it() -> None:
    assert reach(Access(host="bare"), {}, {"bare": VM(section="bare", name="bare", port=9)}).target == "bare"


def test_without_a_name_the_environment_says_which_or_the_file_when_it_has_one_only() -> None:
    two = ONE.__class__(section="vm-2", name="vm-2", host="two")
    both = {"vm-1": ONE, "vm-2": two}
    nobody = Access(host="")

    assert reach(nobody, {"GITOPS_VM_HOST": "elsewhere"}, both).target == "elsewhere"
    assert reach(nobody, {"GITOPS_VM_HOST": "ada@elsewhere"}, both).target == "ada@elsewhere"
    assert reach(nobody, {"GITOPS_VM_HOST": "vm-2"}, both).host == "two"
    assert reach(nobody, {}, {"vm-1": ONE}).target == "ops@one.example.edu"
    for vms in ({}, both):
        with pytest.raises(ValueError, match="on which VM"):
            reach(nobody, {}, vms)


@pytest.mark.parametrize(
    ("given", "environ", "message"),
    [("-oProxyCommand=x", {}, "on which VM"), ("a", {"GITOPS_VM_PORT": "many"}, "GITOPS_VM_PORT is no port")],
)
def test_what_cannot_be_reached_is_said(given: str, environ: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reach(Access(host=given), environ, {})
