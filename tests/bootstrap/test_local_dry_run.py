"""`bootstrap.py local --dry-run` says what it would do: nothing is claimed, emptied, made or started."""

from __future__ import annotations

from pathlib import Path

import pytest

import bootstrap
from tests.bootstrap.calling import call
from tests.bootstrap.installed import installed
from tests.process import run
from tests.repo import Repo, bare_repository

LEFT = ("config/env", "releases/mood-1/release.json", "agent/lock", "remote.git/HEAD", ".gitops-vm")


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A directory in which there was a demo before."""
    directory = tmp_path / "demo"
    for name in LEFT:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text("HF_TOKEN=of_before\n")
    return directory


def state(directory: Path) -> list[tuple[str, int, bytes]]:
    """All that is there: names, when each was last changed, and contents."""
    found = [directory, *directory.rglob("*")]
    rows = ((str(each), each.lstat().st_mtime_ns, each.read_bytes() if each.is_file() else b"") for each in found)
    return sorted(rows)


@pytest.mark.parametrize(("more", "first"), [((), "ok       directory"), (("--demo",), "would change directory")])
def test_what_is_there_stays_as_it_is(used: Path, more: tuple[str, ...], first: str) -> None:
    before = state(used)
    said = call("local", "--dry-run", "--directory", str(used), *more)
    assert said.code == 2, said.text
    assert first in said.text
    assert ("is emptied" in said.text) == bool(more)
    for step in ("agent", "repository", "source", "ready"):
        assert f"would change {step} " in said.text
    assert "failed" not in said.text
    assert "Traceback" not in said.text
    assert state(used) == before


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    for words in (("--directory", str(tmp_path / "new")), ("--demo", "--directory", str(tmp_path / "new")), ()):
        said = call("local", "--dry-run", *words, env={"HOME": str(tmp_path)})
        assert said.code == 2, said.text
        assert "Traceback" not in said.text
        assert [*tmp_path.iterdir()] == []


def test_a_directory_that_could_not_be_claimed_is_refused_as_ever(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    before = state(tmp_path)
    said = call("local", "--demo", "--dry-run", "--directory", str(tmp_path))
    assert said.code == 1
    assert "holds something else; give another one: --directory DIR" in said.text
    assert state(tmp_path) == before


def test_one_in_which_another_runs_is_refused_as_ever(used: Path) -> None:
    with bootstrap.claimed(used, emptied=False):
        before = state(used)
        said = call("local", "--demo", "--dry-run", "--directory", str(used))
        assert (said.code, state(used)) == (1, before)
    assert "another one runs in" in said.text


def test_nothing_is_pushed_where_nothing_is_yet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Where the agent is installed already, the repository is looked at."""
    setup = installed(tmp_path / "root", "--dry-run")
    setup.example = pytest.fail
    setup.access(bootstrap.repository(f"{tmp_path}/root/remote.git", local=True), "")
    assert f"would change repository  {tmp_path}/root/remote.git is made" in capfd.readouterr().out
    assert not (tmp_path / "root" / "remote.git").exists()

    bare = bare_repository(tmp_path / "app.git")
    setup.access(bootstrap.repository(str(bare), local=True), "")
    assert f"would change repository  the example app is pushed to {bare}" in capfd.readouterr().out
    assert run("git", "-C", bare, "for-each-ref") == ""

    Repo.clone(bare, tmp_path / "clone").deploy("first")
    setup.access(bootstrap.repository(str(bare), local=True), "")
    assert "ok       repository" in capfd.readouterr().out
