"""The status branch at real remotes: what is pushed, what never is, and how it comes back from deleted, diverged and hung."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent.errors import AgentError, Reason
from agent.host import files, mirror
from agent.host.outbox import MOST, Outbox
from agent.host.publisher import Publisher
from agent.host.status_branch import StatusBranch
from agent.host.transport import Remote
from agent.report import Report
from agent.status.publication import Publication
from tests.gitserver import SshServer
from tests.process import Failed, run
from tests.repo import ALONE, Repo, bare_repository
from tests.reports import NOW, observed, process, rejected, release, report, well
from tests.sshkey import SshKey
from tests.status_checker import check
from tests.status_facts import FACTS

BRANCH = "status/vm-1"
HOUR = timedelta(hours=1)
OLD, NEW = release("a"), release("b")
ROLLBACK = report(NEW, observed(OLD, running=process(OLD), confirmed=OLD, rejected=rejected(NEW)))


class Desk:
    """A remote with something on main, an empty mirror, a publisher."""

    def __init__(self, home: Path, url: str, people: Repo, **access: Path) -> None:
        self.people = people
        self.people.deploy("first", {"desired-state.yaml": "app: mood"})
        self.home = home
        self.mirror = home / "mirror.git"
        mirror.make(self.mirror)
        self.remote = Remote(url=url, ref="refs/heads/main", runtime=home / "run", **access)
        self.outbox = Outbox(home / "state" / "outbox")
        self.branch = StatusBranch(self.mirror, self.remote, branch=BRANCH, host="vm-1")
        self.publisher = Publisher(state=home / "state", outbox=self.outbox, branch=self.branch, secrets=frozenset)

    def publish(self, told: Report) -> None:
        self.publisher.publish(told, FACTS)

    def subjects(self) -> list[str]:
        return self.people.log(BRANCH)

    def status(self) -> dict[str, object]:
        document: dict[str, object] = json.loads(self.people.show(BRANCH, "status.json"))
        return document

    def refs(self) -> dict[str, str]:
        rows = (line.split() for line in self.people.git("ls-remote", "origin").splitlines())
        return {ref: commit for commit, ref in rows if ref != "HEAD"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    hub = bare_repository(tmp_path / "hub.git")
    return Desk(tmp_path, str(hub), Repo.clone(hub, tmp_path / "people"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "ssh", SshKey.generate(tmp_path / "key")) as server:
        yield server


@pytest.fixture
def remote_desk(tmp_path: Path, server: SshServer) -> Desk:
    server.create("mood")
    people = server.clone("mood", tmp_path / "people")
    return Desk(tmp_path, server.url("mood"), people, key=server.key.private, known_hosts=server.known_hosts)


def made(subject: str) -> Publication:
    return Publication(
        at=NOW, subject=subject, files={"README.md": "# é\n", "events.ndjson": "", "status.json": "{}\n"}
    )


def test_the_log_of_the_branch_tells_the_story(desk: Desk):
    desk.publish(well())
    desk.publish(ROLLBACK)
    assert desk.subjects() == [
        "mood: Ready=False HealthCheckFailed main@sha1:bbbbbbbb",
        "mood: Ready=True ReconciliationSucceeded main@sha1:aaaaaaaa",
    ]
    check(desk.status())
    listed = desk.people.git("ls-tree", "--name-only", "FETCH_HEAD").split()
    assert listed == ["README.md", "events.ndjson", "status.json"]
    run("git", "-C", desk.people.path, "fsck", "--strict", "--no-dangling", env=ALONE)


def test_a_commit_bears_the_name_of_the_host_and_the_time_of_the_pass(desk: Desk):
    desk.publish(well())
    desk.subjects()
    shown = desk.people.git("log", "--format=%an <%ae>|%aI|%cI|%P", "FETCH_HEAD")
    assert shown.replace("+00:00", "Z") == "gitops-vm vm-1 <gitops-vm@vm-1>|2026-11-23T09:00:00Z|2026-11-23T09:00:00Z|"


def test_one_ref_is_written_and_no_other(desk: Desk):
    before = desk.refs()
    desk.publish(well())
    after = desk.refs()
    assert after.keys() - before.keys() == {f"refs/heads/{BRANCH}"}
    assert {ref: after[ref] for ref in before} == before


def test_the_same_state_is_committed_once_and_a_heartbeat_later_again(desk: Desk):
    for minutes in (0, 1, 59):
        desk.publish(well(at=NOW + timedelta(minutes=minutes)))
    assert len(desk.subjects()) == 1
    desk.publish(well(at=NOW + HOUR))
    assert len(desk.subjects()) == 2


def test_states_of_a_rollout_are_pushed_together_when_it_rests(desk: Desk):
    desk.publish(well())
    desk.publish(report(NEW, observed(OLD, running=process(OLD), confirmed=OLD)))
    assert len(desk.subjects()) == 1
    desk.publish(ROLLBACK)
    assert [subject.split()[1] for subject in desk.subjects()] == ["Ready=False", "Ready=Unknown", "Ready=True"]


def test_a_slow_rollout_is_seen_while_it_goes_on(desk: Desk):
    building = observed(OLD, running=process(OLD), confirmed=OLD)
    desk.publish(report(NEW, building))
    with pytest.raises(Failed):
        desk.subjects()
    desk.publish(report(NEW, building, at=NOW + timedelta(seconds=16)))
    assert [subject.split()[1] for subject in desk.subjects()] == ["Ready=Unknown"]


def test_a_branch_somebody_wrote_to_is_built_upon(desk: Desk):
    desk.publish(well())
    desk.people.git("fetch", "origin", BRANCH)
    desk.people.git("checkout", "-q", "-b", BRANCH, "FETCH_HEAD")
    theirs = desk.people.commit("I was here", {"note": "by hand"})
    desk.people.git("push", "-q", "origin", BRANCH)
    desk.publish(ROLLBACK)
    assert desk.subjects()[1] == "I was here"
    assert desk.people.git("rev-parse", "FETCH_HEAD^") == theirs


def test_a_deleted_branch_is_made_again(desk: Desk):
    desk.publish(well())
    desk.people.git("push", "-q", "origin", f":refs/heads/{BRANCH}")
    desk.publish(ROLLBACK)
    assert desk.subjects()[0].startswith("mood: Ready=False")


def test_a_deleted_branch_is_made_again_from_a_mirror_that_never_had_its_history(desk: Desk):
    desk.publish(well())
    files.remove(desk.mirror)
    mirror.make(desk.mirror)
    desk.publish(ROLLBACK)
    desk.people.git("push", "-q", "origin", f":refs/heads/{BRANCH}")
    run("git", "-C", desk.remote.url, "gc", "--quiet", "--prune=now", env=ALONE)
    desk.publish(well(at=NOW + HOUR))
    assert desk.subjects() == ["mood: Ready=True ReconciliationSucceeded main@sha1:aaaaaaaa"]


def test_a_mirror_built_anew_loses_nothing(desk: Desk):
    desk.publish(well())
    files.remove(desk.mirror)
    desk.publish(ROLLBACK)
    assert len(desk.subjects()) == 2
    assert len(desk.outbox.waiting()) == 0


def test_what_lies_in_the_place_of_the_mirror_makes_room_for_one(desk: Desk):
    desk.publish(well())
    files.remove(desk.mirror)
    desk.mirror.write_text("x\n")
    desk.publish(ROLLBACK)
    assert len(desk.subjects()) == 2
    assert desk.outbox.delivery.total == 0


def test_a_mirror_whose_status_commits_are_damaged_is_discarded(desk: Desk):
    desk.publish(well())
    for thing in (desk.mirror / "objects").glob("??/*"):
        if (
            run("git", "--git-dir", desk.mirror, "cat-file", "-t", thing.parent.name + thing.name, env=ALONE).strip()
            == "tree"
        ):
            files.remove(thing)
    desk.people.git("push", "-q", "origin", f":refs/heads/{BRANCH}")
    desk.publish(ROLLBACK)
    assert not desk.mirror.exists()
    desk.publisher.deliver(NOW + HOUR)
    assert desk.subjects()[0].startswith("mood: Ready=False")


@pytest.mark.parametrize("harm", ["head", "ref"])
def test_a_mirror_that_git_cannot_read_any_more_costs_one_try(desk: Desk, harm: str):
    desk.publish(well())
    broken = desk.mirror / {"head": "HEAD", "ref": f"refs/gitops-vm-status/{BRANCH}"}[harm]
    broken.write_bytes(b"\0" * 41)  # what a power cut leaves of a file that was not synced
    desk.publish(ROLLBACK)
    desk.publisher.deliver(NOW + HOUR)
    assert [subject.split()[1] for subject in desk.subjects()] == ["Ready=False", "Ready=True"]
    assert desk.outbox.delivery.total <= 1


def test_the_mirror_is_packed_by_and_by(desk: Desk):
    own = desk.home / "own.git"
    mirror.make(own)
    branch = StatusBranch(own, desk.remote, branch=BRANCH, host="vm-1")
    # git gc --auto packs once there are about 6,700 loose objects, as it guesses from one directory of the 256.
    loose = own / "objects" / "17"
    loose.mkdir()
    for number in range(30):
        (loose / f"{number:038x}").write_bytes(b"")
    branch.push([made("first")])
    assert [*(own / "objects" / "pack").glob("*.pack")]


def test_writers_on_the_same_branch_all_arrive(tmp_path: Path, desk: Desk):
    def write(number: int) -> None:
        own = tmp_path / f"mirror-{number}.git"
        mirror.make(own)
        branch = StatusBranch(own, desk.remote, branch=BRANCH, host="vm-1")
        for turn in range(4):
            branch.push([made(f"{number}.{turn}")])

    with ThreadPoolExecutor(2) as writers:
        list(writers.map(write, range(2)))
    assert sorted(desk.subjects()) == [f"{number}.{turn}" for number in range(2) for turn in range(4)]


def test_a_branch_in_the_way_is_named_and_once_it_is_gone_the_story_arrives(desk: Desk):
    desk.people.push("origin", "HEAD:refs/heads/status")

    desk.publish(well())

    assert "rename the branch status there" in desk.outbox.delivery.message
    assert "allow this VM's key" not in desk.outbox.delivery.message
    desk.people.push("origin", "--delete", "status")
    desk.publish(well(at=NOW + timedelta(minutes=1)))
    assert len(desk.subjects()) == 1


def test_a_hook_that_refuses_is_told_with_what_to_do_and_tried_later(desk: Desk):
    hook = Path(desk.remote.url) / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no robots here' >&2\nexit 1\n")
    hook.chmod(0o755)
    desk.publish(well())
    delivery = desk.outbox.delivery
    assert "no robots here" in delivery.message
    assert f"allow this VM's key to push refs/heads/{BRANCH}" in delivery.message
    assert delivery.failures == 1
    hook.unlink()
    assert not desk.outbox.is_due(NOW)
    desk.publish(well(at=NOW + timedelta(minutes=1)))
    conditions = json.loads((desk.home / "state" / "status.json").read_text())["conditions"]
    assert {each["type"] for each in conditions} == {"Ready", "Healthy", "StatusPushFailed"}
    assert len(desk.subjects()) == 1
    assert desk.outbox.delivery.message == ""
    assert desk.outbox.delivery.total == 1


def test_what_was_said_during_an_outage_arrives_in_order(remote_desk: Desk, server: SshServer):
    remote_desk.publish(well())
    server.down()
    remote_desk.publish(ROLLBACK)
    remote_desk.publish(well(at=NOW + timedelta(seconds=2)))
    server.up()
    remote_desk.publish(well(at=NOW + timedelta(minutes=20)))
    assert [subject.split()[1] for subject in remote_desk.subjects()] == ["Ready=True", "Ready=False", "Ready=True"]
    check(remote_desk.status())


def test_a_remote_that_hangs_costs_one_try_and_not_each_pass(remote_desk: Desk, server: SshServer):
    remote_desk.publish(well())
    silent = server.hang()
    impatient = StatusBranch(
        remote_desk.mirror, remote_desk.remote, branch=BRANCH, host="vm-1", deadline=timedelta(seconds=1)
    )
    publisher = replace(remote_desk.publisher, branch=impatient)
    for second in range(5):
        publisher.publish(well(at=NOW + HOUR + timedelta(seconds=second)), FACTS)
    assert silent.accepted == 1
    assert "did not answer within 1 s" in remote_desk.outbox.delivery.message
    assert len(remote_desk.outbox.waiting()) == 1


def test_a_key_that_may_not_write_is_told(remote_desk: Desk, server: SshServer, tmp_path: Path):
    reader = SshKey.generate(tmp_path / "reader")
    server.authorize(reader.public, read_only=True)
    remote = Remote(
        url=remote_desk.remote.url,
        ref="refs/heads/main",
        runtime=tmp_path,
        key=reader.private,
        known_hosts=server.known_hosts,
    )
    with pytest.raises(AgentError, match="this key has no write access") as told:
        StatusBranch(remote_desk.mirror, remote, branch=BRANCH, host="vm-1").push([made("x")])
    assert told.value.reason in {Reason.AUTHENTICATION_FAILED, Reason.GIT_OPERATION_FAILED}


def test_the_outbox_is_bounded_and_the_loss_is_told(desk: Desk):
    for number in range(MOST + 3):
        desk.outbox.put(made(f"state {number}"))
    assert len(desk.outbox.waiting()) == MOST
    desk.publisher.deliver(NOW)
    assert len(desk.subjects()) == MOST
    assert desk.subjects()[-1] == "state 3"
    assert "3 older states were never delivered." in desk.people.git("log", "--format=%B", "FETCH_HEAD")
    assert desk.outbox.delivery.dropped == 0


def test_an_entry_that_cannot_be_read_is_no_obstacle(desk: Desk):
    desk.outbox.put(made("whole"))
    (desk.home / "state" / "outbox" / "000000000000.json").write_text('{"at": "half')
    desk.publisher.deliver(NOW)
    assert desk.subjects() == ["whole"]


def test_the_pause_between_tries_grows_and_survives_the_worker_and_a_clock_set_back(desk: Desk):
    desk.outbox.put(made("x"))
    pauses = []
    for _ in range(12):
        desk.outbox.failed("no answer", NOW)
        pauses.append(Outbox(desk.home / "state" / "outbox").delivery.next_try - NOW)
    assert pauses[0] < pauses[3] < pauses[6]
    assert timedelta(minutes=15) <= pauses[-1] <= timedelta(minutes=22.5)
    assert not desk.outbox.is_due(NOW)
    assert desk.outbox.is_due(NOW + pauses[-1])
    assert desk.outbox.is_due(NOW - timedelta(days=300))
