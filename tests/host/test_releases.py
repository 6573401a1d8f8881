from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent import desired
from agent.errors import Broken
from agent.host.releases import Releases
from agent.names import VenvId, make_revision
from agent.paths import Paths, locate
from agent.release import Release, make_release
from tests.process import Background
from tests.waiting import wait_for

VENV = VenvId("0123456789abcdef")
YAML = b"apiVersion: gitops-vm/v1\napp: mood\nservice: {exec: python app.py, port: 8010}\n"


def a_release(digit: str) -> Release:
    revision = make_revision("main", digit * 40)
    spec = desired.parse(YAML, host="vm-1")
    return make_release(revision=revision, app_revision=revision, spec=spec, venv=VENV, secrets="none")


def code(text: str):
    def materialise(into: Path) -> None:
        into.mkdir()
        (into / "app.py").write_text(text)

    return materialise


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return locate({"GITOPS_VM_HOME": str(tmp_path)}, uid=os.getuid())


@pytest.fixture
def releases(paths: Paths) -> Releases:
    return Releases(paths)


def test_a_built_release_is_read_back_whole(releases: Releases, paths: Paths) -> None:
    one = a_release("1")
    releases.build(one, code("one"))
    assert releases.load(frozenset({VENV})) == {one.id: one}
    assert (paths.tree(one.id) / "app.py").read_text() == "one"
    assert releases.remains(frozenset({VENV})) == frozenset()


def test_nothing_is_there_before_the_first_build(releases: Releases) -> None:
    assert (releases.load(frozenset({VENV})), releases.remains(frozenset()), releases.current()) == (
        {},
        frozenset(),
        None,
    )


def test_building_twice_leaves_the_release_alone(releases: Releases) -> None:
    def never(_: Path) -> None:
        raise AssertionError("it was materialised again")

    releases.build(a_release("1"), code("one"))
    releases.build(a_release("1"), never)


def test_a_build_that_fails_leaves_no_release(releases: Releases, paths: Paths) -> None:
    def fail(into: Path) -> None:
        into.mkdir()
        raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        releases.build(a_release("1"), fail)
    assert (releases.load(frozenset({VENV})), releases.remains(frozenset({VENV}))) == ({}, frozenset())
    releases.build(a_release("2"), code("two"))
    assert [path.name for path in paths.releases.iterdir()] == [a_release("2").id]


def test_without_its_environment_a_release_is_not_whole(releases: Releases) -> None:
    one = a_release("1")
    releases.build(one, code("one"))
    assert releases.load(frozenset()) == {}
    assert releases.remains(frozenset()) == {one.id}


@pytest.mark.parametrize("record", ["", "{", "{}", "[]", '{"id": "other"}'])
def test_a_release_with_a_bad_record_remains_and_is_built_again(releases: Releases, paths: Paths, record: str) -> None:
    one = a_release("1")
    releases.build(one, code("one"))
    (paths.release(one.id) / "release.json").write_text(record)
    assert releases.remains(frozenset({VENV})) == {one.id}
    releases.build(one, code("again"))
    assert releases.load(frozenset({VENV})) == {one.id: one}
    assert (paths.tree(one.id) / "app.py").read_text() == "again"


def test_the_promoted_release_is_current(releases: Releases, paths: Paths) -> None:
    for digit in "12":
        releases.build(a_release(digit), code(digit))
        releases.promote(a_release(digit).id)
        assert releases.current() == a_release(digit).id
    assert (paths.current / "tree" / "app.py").read_text() == "2"


def test_what_is_not_there_is_not_promoted(releases: Releases) -> None:
    releases.build(a_release("1"), code("1"))
    releases.promote(a_release("1").id)
    with pytest.raises(Broken, match="has vanished"):
        releases.promote(a_release("2").id)
    assert releases.current() == a_release("1").id


def test_a_reader_never_finds_current_missing_or_half_way(releases: Releases, paths: Paths, tmp_path: Path) -> None:
    for digit in "12":
        releases.build(a_release(digit), code(digit))
    releases.promote(a_release("1").id)
    count = tmp_path / "count"
    loop = f'n=0; while [ "$(cat {paths.current}/tree/app.py)" ]; do n=$((n+1)); echo $n > {count}; done; echo broken > {count}'
    reader = Background("sh", "-c", loop, log=tmp_path / "log")
    try:
        for turn in range(100):
            releases.promote(a_release("12"[turn % 2]).id)
        seen = wait_for(lambda: count.read_text().strip(), "the reader")
        assert seen != "broken"
        assert reader.running
    finally:
        reader.stop()


def test_removed_releases_are_gone_with_what_was_left_of_others(releases: Releases, paths: Paths) -> None:
    for digit in "12":
        releases.build(a_release(digit), code(digit))
    (paths.releases / ".mood-abc.1234.removed").mkdir()
    releases.remove([a_release("1").id])
    assert [path.name for path in paths.releases.iterdir()] == [a_release("2").id]
