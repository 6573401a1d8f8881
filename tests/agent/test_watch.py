"""`gitops-vm watch`: looks from cron at a real app, a real status branch, real chats."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.status.advance import advance
from agent.status.document import document
from agent.status.memory import Memory
from tests.chats import CANARY, Chats, Fault
from tests.crontab import Operator
from tests.httpstage import Reply, Stage, staged
from tests.ports import SilentPort, free_port
from tests.process import Background, descendants
from tests.repo import Repo, bare_repository
from tests.reports import well
from tests.status_facts import FACTS
from tests.waiting import wait_for


def answering(code: int) -> Any:
    return lambda _: Reply(code)


@pytest.fixture
def app() -> Iterator[Stage]:
    with staged(answering(200)) as stage:
        yield stage


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    with Chats() as chats:
        yield Operator(tmp_path / "home", chats, {})


def publish(hub: Path, host: str, **fields: Any) -> None:
    """What a VM would commit to its branch now."""
    repo = Repo.clone(hub, hub.parent / f"clone-{os.urandom(3).hex()}")
    told = {**document(well(), advance(Memory(), well()), FACTS), "host": host, **fields}
    repo.git("checkout", "--quiet", "-B", f"status/{host}")
    repo.commit("status", {"status.json": json.dumps(told)})
    repo.push("--force", "origin", "HEAD")


def beat(ago: timedelta) -> dict[str, Any]:
    time = (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"heartbeat": {"time": time, "interval": "1h"}}


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return bare_repository(tmp_path / "hub.git")


def test_one_alert_when_it_goes_bad_one_per_cool_down_and_one_when_it_recovers(operator: Operator, app: Stage) -> None:
    url = app.url
    assert (operator.watch(url).code, operator.told()) == (0, [[], []])

    app.play = answering(503)
    assert [operator.watch(url).code for _ in range(3)] == [1, 1, 1]
    assert operator.told() == [[f"{url}/ is not well"]] * 2

    operator.later()
    assert [operator.watch(url).code for _ in range(2)] == [1, 1]
    assert operator.told() == [[f"{url}/ is not well", f"{url}/ is not well, for 1h now"]] * 2

    app.play = answering(200)
    assert [operator.watch(url).code for _ in range(2)] == [0, 0]
    assert [len(each) for each in operator.told()] == [3, 3]
    assert operator.told()[0][-1] == f"{url}/ is well again, after 1h"


def test_the_cool_down_is_the_one_that_is_asked_for(operator: Operator, app: Stage) -> None:
    app.play = answering(503)
    operator.watch(app.url, "--cooldown", "3h")
    operator.later()
    operator.watch(app.url, "--cooldown", "3h")
    assert len(operator.chats.heard("slack")) == 1
    operator.watch(app.url, "--cooldown", "30m")
    assert len(operator.chats.heard("slack")) == 2


def test_an_alert_that_fails_is_said_ends_in_1_and_is_sent_by_the_next_run(operator: Operator, app: Stage) -> None:
    app.play = answering(503)
    operator.chats.faults = [Fault.FORBIDDEN]  # of slack, which is asked first

    said = operator.watch(app.url)
    assert said.code == 1
    assert "slack answered 404" in said.err
    assert "the next run tries again" in said.err
    assert [len(each) for each in operator.told()] == [0, 1]

    operator.watch(app.url)
    assert [len(each) for each in operator.told()] == [1, 1]

    app.play = answering(200)
    operator.chats.faults = [Fault.FORBIDDEN]
    assert operator.watch(app.url).code == 1
    assert operator.watch(app.url).code == 0
    assert [len(each) for each in operator.told()] == [2, 2]


def test_two_at_once_the_second_says_so_and_tells_nobody(operator: Operator, app: Stage, tmp_path: Path) -> None:
    port = free_port()
    silent, url = SilentPort(port), f"http://127.0.0.1:{port}/"
    argv = (sys.executable, "-m", "agent", "watch", url, "--attempts", "1", "--within", "60s")
    first = Background(*argv, log=tmp_path / "first.log", env=operator.environ)
    try:
        wait_for(lambda: silent.accepted, "the first one's look")
        second = operator.watch(url)
        assert second.code == 3
        assert f"another gitops-vm (process {first.pid}) is at work" in second.out
        assert operator.watch(app.url).code == 0  # something else may be watched meanwhile
    finally:
        first.stop()
        silent.stop()
    assert operator.told() == [[], []]


def test_a_dry_run_tells_nobody_and_remembers_nothing(operator: Operator, app: Stage) -> None:
    app.play = answering(503)

    said = operator.watch(app.url, "--dry-run")

    assert said.code == 1
    assert f"slack would be told: {app.url}/ is not well" in said.out
    assert operator.told() == [[], []]
    assert not operator.memory.exists()


def test_a_vm_is_its_app_and_its_news(operator: Operator, app: Stage, hub: Path) -> None:
    there = (app.url, "--remote", str(hub), "--host", "vm-1")
    publish(hub, "vm-1", **beat(timedelta(minutes=3)))
    well = operator.watch("--json", *there)
    assert (well.code, [each["level"] for each in well.looks]) == (0, ["Well"])
    assert "status/vm-1 is Ready, heard of 3m ago" in well.looks[0]["findings"][1]["message"]

    publish(hub, "vm-1", **beat(timedelta(hours=3)))
    assert operator.watch(*there).code == 3
    assert operator.told()[0] == ["vm-1 is not heard of any more"]

    ready = {"type": "Ready", "status": "False", "reason": "HealthCheckFailed", "message": "GET / answered 500"}
    publish(hub, "vm-1", conditions=[ready], **beat(timedelta(0)))
    operator.later()
    assert operator.watch(*there).code == 1
    assert operator.chats.heard("telegram")[1].splitlines() == [
        "vm-1 is not well, for 1h now",
        "status/vm-1 is not Ready, HealthCheckFailed: GET / answered 500",
    ]


def test_a_repository_that_cannot_be_read_is_no_look_and_wakes_nobody_yet(operator: Operator, tmp_path: Path) -> None:
    there = ("--remote", str(tmp_path / "gone.git"))
    assert operator.watch(*there).code == 3
    assert operator.told() == [[], []]

    operator.later()
    said = operator.watch("--json", *there)
    assert (said.code, said.looks[0]["level"]) == (3, "Unseen")
    assert operator.told()[0] == [f"{tmp_path}/gone.git cannot be looked at"]


def test_every_vm_that_reports_is_watched_by_itself(operator: Operator, hub: Path) -> None:
    publish(hub, "vm-1", **beat(timedelta(0)))
    publish(hub, "vm-2", **beat(timedelta(hours=5)))

    said = operator.watch("--remote", str(hub), "--json")

    assert said.code == 3
    assert {each["name"]: each["level"] for each in said.looks} == {"vm-1": "Well", "vm-2": "Silent"}
    assert operator.told()[0] == ["vm-2 is not heard of any more"]
    assert operator.watch("--remote", str(hub), "--host", "vm-9").code == 3


def test_the_vms_of_vms_ini_are_watched(operator: Operator, app: Stage, hub: Path) -> None:
    publish(hub, "first", **beat(timedelta(0)))
    (operator.home / "vms.ini").write_text(
        f"[DEFAULT]\nrepo = {hub}\n[vm-1]\nname = first\nurl = {app.url}\n[vm-2]\nurl = {app.url}\n"
    )

    said = operator.watch("--json")

    assert [(each["name"], each["level"]) for each in said.looks] == [("vm-1", "Well"), ("vm-2", "Unseen")]
    assert "no such branch: refs/heads/status/vm-2" in said.looks[1]["findings"][1]["message"]
    assert operator.watch("vm-1").code == 0


def test_a_vm_whose_evidence_has_a_repository_of_its_own_is_watched_there(operator: Operator, hub: Path) -> None:
    publish(hub, "vm-1", **beat(timedelta(0)))
    (operator.home / "vms.ini").write_text(f"[vm-1]\nrepo = git@example.invalid:me/mood.git\nstatus-repo = {hub}\n")

    assert operator.watch("vm-1").code == 0


def test_secrets_come_from_a_file_of_mode_0600_too(operator: Operator, app: Stage, tmp_path: Path) -> None:
    secrets = operator.home / ".config/gitops-vm/watch.env"
    secrets.parent.mkdir(parents=True)
    secrets.write_text("".join(f"{name}={value}\n" for name, value in operator.chats.slack.items()))
    nothing = dict.fromkeys(operator.chats.settings, "")
    app.play = answering(503)

    secrets.chmod(0o644)
    refused = operator.watch(app.url, **nothing)
    assert (refused.code, f"chmod 600 {secrets}" in refused.err) == (64, True)

    secrets.chmod(0o600)
    operator.watch(app.url, **nothing)
    assert operator.told() == [[f"{app.url}/ is not well"], []]
    assert operator.watch(app.url, "--secrets", str(tmp_path / "nowhere.env")).code == 64


def test_without_a_chat_it_looks_and_says_so(operator: Operator, app: Stage) -> None:
    nothing = dict.fromkeys(operator.chats.settings, "")
    app.play = answering(503)

    said = operator.watch(app.url, **nothing)

    assert said.code == 1
    assert "nobody is told: set SLACK_WEBHOOK_URL" in said.err
    assert operator.watch(app.url, **operator.chats.slack).code == 1
    assert operator.told()[0] == [f"{app.url}/ is not well"]


def test_quiet_says_nothing_of_what_is_well(operator: Operator, app: Stage) -> None:
    assert operator.watch(app.url, "-q").out == ""
    app.play = answering(503)
    assert operator.watch(app.url, "-q").out


def test_where_nothing_can_be_remembered_nobody_is_told_again_and_again(operator: Operator, app: Stage) -> None:
    (operator.home / ".local").write_text("in the way")
    app.play = answering(503)

    said = operator.watch(app.url)

    assert said.code == 1
    assert "Not a directory" in said.err
    assert operator.told() == [[], []]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("vm-1",),
        ("--host", "vm-1"),
        ("--remote", "--upload-pack=x"),
        ("--remote", f"https://{CANARY}@x/y"),
        ("--remote", "x", "--host", "../x"),
        ("http://a/", "--cooldown", "0s"),
        ("http://a/", "--cooldown", "1 hour"),
    ],
)
def test_what_cannot_be_meant_is_exit_64(operator: Operator, words: tuple[str, ...]) -> None:
    said = operator.watch(*words)
    assert said.code == 64
    assert len(said.err.splitlines()) == 1


def test_a_secret_is_in_no_process_s_arguments(operator: Operator, app: Stage) -> None:
    """Looked at from outside all the while an alert is on its way."""
    app.play = answering(503)
    operator.chats.faults = [Fault.TOO_MANY]
    over, seen = threading.Event(), []

    def sample() -> None:
        while not over.is_set():
            seen.extend(_arguments())

    sampler = threading.Thread(target=sample)
    sampler.start()
    operator.watch(app.url)
    over.set()
    sampler.join()

    assert any("agent\0watch" in each for each in seen)
    assert not [each for each in seen if CANARY in each]


def _arguments() -> Iterator[str]:
    """Of what this process has started: others may run the same tests just now."""
    for pid in descendants(os.getpid()):
        try:
            yield Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        except OSError:
            continue
