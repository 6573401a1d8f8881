"""The daemon's poller against a real repository that somebody pushes to."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent import heads, poller
from agent.daemon_config import DaemonConfig
from agent.host.origin import remote_of
from agent.paths import locate
from agent.poller import Poller
from tests.repo import Repo, bare_repository


class Followed:
    def __init__(self, tmp_path: Path) -> None:
        bare = bare_repository(tmp_path / "remote.git")
        self.repo = Repo.clone(bare, tmp_path / "clone")
        self.repo.deploy("first", {"file": "0"})
        remote = remote_of(str(bare), "refs/heads/main", locate({"GITOPS_VM_HOME": str(tmp_path / "home")}, uid=0))
        self._config = DaemonConfig(remotes={"config": remote.to_json()}, interval=0.01)
        self._path = tmp_path / "heads.json"
        self.poller = Poller(self._path, tick=lambda: None)
        assert self.poll()

    def push(self) -> str:
        return self.repo.deploy("next", {"file": str(time.monotonic_ns())})

    def poll(self) -> bool:
        time.sleep(max(0.0, self.poller.due - time.monotonic()))
        return self.poller.poll(self._config)

    @property
    def head(self) -> str | None:
        """What a worker reads."""
        return heads.load(self._path.read_text())["config"].sha


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    return Followed(tmp_path)


def test_a_push_is_seen_at_the_next_poll_and_so_is_one_after_a_rest(followed: Followed) -> None:
    for _ in range(2):
        sha = followed.push()
        assert followed.poll()
        assert followed.head == sha
        assert not followed.poll()


def test_of_one_push_after_the_other_the_first_and_the_last_count(followed: Followed) -> None:
    pushed = [followed.push()]
    assert followed.poll()
    for _ in range(8):
        pushed.append(followed.push())
        assert not followed.poll()
        assert followed.head == pushed[0]
    assert followed.poll()
    assert followed.head == pushed[-1]


def test_who_asks_for_a_look_now_gets_what_is_there(followed: Followed) -> None:
    followed.push()
    followed.poll()
    sha = followed.push()
    followed.poller.hurry = True
    assert followed.poll()
    assert followed.head == sha


def test_a_branch_that_never_comes_to_rest_is_followed_all_the_same(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.push()
    followed.poll()
    monkeypatch.setattr(poller, "LONGEST_HOLD", 0.0)
    sha = followed.push()
    assert followed.poll()
    assert followed.head == sha
