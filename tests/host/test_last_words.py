"""What a process said before it ended, made fit to be told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.host.discretion import LONGEST, Discretion
from agent.host.ending import last_words
from agent.launcher import ACCEPTING, DRAINING, RESTING
from agent.paths import locate
from tests.core.observing import NEW, ended, vm

CANARY = "canary-0123456789"


@pytest.mark.parametrize("state", [ACCEPTING, RESTING, DRAINING, "", " "])
def test_where_a_release_stands_is_no_cause(state: str):
    assert last_words(state) == ""


def test_nothing_of_it_can_steer_a_terminal_or_begin_a_line():
    assert (
        last_words("the \x1b[31mtable\x07\x00\t moods\u2028is\u202e missing\x85 é")
        == "the [31mtable moods is missing é"
    )


def told(home: Path, said: str) -> str:
    paths = locate({"GITOPS_VM_HOME": str(home)}, uid=0)
    paths.environment.parent.mkdir(parents=True)
    paths.environment.write_text(f"HF_TOKEN={CANARY}\n")
    observed = Discretion(paths).observed(vm(replace(ended(NEW), said=said)))
    return observed.processes[0].said


def test_a_long_one_is_cut(tmp_path: Path):
    assert told(tmp_path, "x" * LONGEST) == "x" * LONGEST
    assert told(tmp_path / "again", "x" * 3000) == "x" * (LONGEST - 1) + "…"


@pytest.mark.parametrize("before", range(LONGEST - len(CANARY) - 2, LONGEST + 2, 3))
def test_no_cut_leaves_half_a_secret(tmp_path: Path, before: int):
    assert "canary" not in told(tmp_path, "x" * before + CANARY + " is not accepted" * 50)


@pytest.mark.parametrize("gap", ["  ", "\t", " \x07 "])
def test_a_secret_is_hidden_also_where_its_white_space_was_put_on_one_line(tmp_path: Path, gap: str):
    paths = locate({"GITOPS_VM_HOME": str(tmp_path)}, uid=0)
    paths.environment.parent.mkdir(parents=True)
    paths.environment.write_text(f"PASSPHRASE=correct{gap}horse battery\n")
    observed = Discretion(paths).observed(vm(replace(ended(NEW), said=last_words(f"no: correct{gap}horse battery"))))
    assert observed.processes[0].said == "no: [redacted]"
