"""Status branches read from a laptop."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from agent.errors import AgentError, Reason
from agent.host import mirror
from agent.host.status_branch import StatusBranch
from agent.host.status_reader import read_remote
from agent.host.transport import Remote
from agent.status.advance import advance
from agent.status.document import document
from agent.status.memory import Memory
from agent.status.publication import publication
from tests.ports import SilentPort, free_port
from tests.repo import Repo, bare_repository
from tests.reports import NOW, well
from tests.status_facts import FACTS


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return bare_repository(tmp_path / "hub.git")


def push(hub: Path, host: str, status: str | None = None) -> dict[str, object]:
    memory = advance(Memory(), well())
    told = document(well(), memory, FACTS)
    made = publication(told, (), NOW, ())
    if status is not None:
        made.files["status.json"] = status
    own = hub.parent / f"{host}.git"
    mirror.make(own)
    remote = Remote(url=str(hub), ref="refs/heads/main", runtime=hub.parent)
    StatusBranch(own, remote, branch=f"status/{host}", host=host).push([made])
    return told


def test_every_vm_of_a_repository_is_read(hub: Path, tmp_path: Path):
    Repo.clone(hub, tmp_path / "people").deploy("code", {"app.py": ""})
    told = {host: push(hub, host) for host in ("vm-1", "vm-2.example.org")}
    assert read_remote(str(hub)) == told


def test_a_repository_without_a_status_says_so(hub: Path):
    with pytest.raises(AgentError, match="no branch status/<host>") as told:
        read_remote(str(hub))
    assert told.value.reason is Reason.REF_NOT_FOUND


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, json.dumps({"apiVersion": "other/v2", "kind": "Status"})])
def test_what_is_not_a_status_is_told_with_its_branch_and_hides_no_other(hub: Path, text: str):
    push(hub, "vm-1", text)
    told = push(hub, "vm-2")

    found = read_remote(str(hub))

    assert str(found["vm-1"]).startswith("status/vm-1: status.json is not")
    assert found["vm-2"] == told


def test_a_branch_without_a_status_is_told_and_hides_no_other(hub: Path, tmp_path: Path):
    told = push(hub, "vm-1")
    people = Repo.clone(hub, tmp_path / "people")
    people.commit("mine", {"notes.txt": ""})
    people.push("origin", "HEAD:refs/heads/status/notes")

    found = read_remote(str(hub))

    assert "there is no status.json" in str(found["notes"])
    assert found["vm-1"] == told


def test_a_repository_that_is_not_there_is_told_with_what_to_try(tmp_path: Path):
    with pytest.raises(AgentError, match="try git ls-remote"):
        read_remote(str(tmp_path / "nowhere.git"))


def test_a_remote_that_never_answers_is_given_up():
    port = free_port()
    silent = SilentPort(port)
    try:
        with pytest.raises(AgentError, match="did not answer within 1 s") as told:
            read_remote(f"http://ada:pw@127.0.0.1:{port}/mood.git", deadline=timedelta(seconds=1))
    finally:
        silent.stop()
    assert "pw" not in str(told.value)
