from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest

from agent.errors import Reason, Transient
from agent.host.lock import hold, holder, is_held, take


def test_one_at_a_time_and_the_others_are_told_who_and_what_for(tmp_path: Path) -> None:
    path, told = tmp_path / "state" / "worker.lock", list[str]()
    with hold(path) as held:
        held.say("fetching a repository of many years")
        held.say("fetching")
        with (
            pytest.raises(Transient, match=rf"process {os.getpid()}, fetching\) is at work here") as busy,
            hold(path, patience=timedelta(seconds=1.5), waits=told.append),
        ):
            pass
    assert busy.value.reason is Reason.BUSY
    assert set(told) == {f"process {os.getpid()}, fetching"}


def test_it_is_free_again_when_its_holder_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    with hold(path):
        assert (is_held(path), holder(path)) == (True, os.getpid())
    assert not is_held(path)
    with hold(path):
        pass


def test_a_lock_that_was_handed_on_names_nobody_until_somebody_does(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("123 an earlier one")
    with take(path) as held:
        assert (is_held(path), holder(path)) == (True, None)
        with pytest.raises(Transient, match=re.escape("(process unknown)")), hold(path):
            pass
        held.say()
    assert holder(path) == os.getpid()


def test_words_that_are_too_long_are_cut_and_never_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold(path) as held:
        held.say("x" * 5000)
        held.say("y")
        assert path.read_text() == f"{os.getpid()} y"
