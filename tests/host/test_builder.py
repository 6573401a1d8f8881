"""A real build by real uv, seen and steered from another process than the one that makes it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent import desired
from agent.errors import Reason, Stalled, Transient
from agent.host import build_process, proc
from agent.host.builder import Builder
from agent.host.environment import Environments
from agent.names import make_revision
from agent.observed import BuildState
from agent.paths import Paths, locate
from agent.release import Release, make_release
from agent.source import Packages
from tests.process import descendants, is_alive
from tests.slowpackage import SlowPackage
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CANARY = "hf_canarycanarycanarycanary"
MINUTE = timedelta(minutes=1)


class Site:
    """One VM's builder, and a release of an app with the requirements that are given."""

    def __init__(self, top: Path, requirements: str) -> None:
        self.paths: Paths = locate({"GITOPS_VM_HOME": str(top)}, uid=os.getuid())
        environ = {**os.environ, "GITOPS_VM_HOME": str(top), "PYTHONPATH": str(ROOT)}
        self.environments = Environments(self.paths, Packages(), environ)
        self.builder = Builder(self.paths, Packages(), environ)
        document = {"apiVersion": "gitops-vm/v1", "app": "mood", "service": {"exec": "python app.py", "port": 8010}}
        spec = desired.parse(json.dumps(document).encode(), host="vm-1")
        self.files = self.environments.files(spec, {"requirements.txt": requirements.encode()}.get)
        venv = self.environments.resolve(spec, self.files.get).id
        revision = make_revision("main", "1" * 40)
        self.release: Release = make_release(revision=revision, app_revision=revision, spec=spec, venv=venv, secrets="")

    def begin(self) -> None:
        self.builder.begin(self.release, self.files, NOW)

    def state(self) -> BuildState | None:
        building = self.builder.look()
        return building.state if building else None

    @property
    def pid(self) -> int:
        return int((self.paths.build / "lock").read_text())

    def installers(self) -> list[int]:
        mark = f"{build_process.INSTALLS_INTO}={self.paths.venv(self.release.venv)}".encode()
        return [pid for pid in proc.pids() if mark in proc.environ(pid) and is_alive(pid)]

    def wait_end(self) -> None:
        wait_for(lambda: not self.builder.process.is_running, "the end of the build", within=MINUTE)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[SlowPackage]:
    package = SlowPackage(tmp_path / "slow")
    yield package
    package.finish()


@pytest.fixture
def site(tmp_path: Path, slow: SlowPackage) -> Iterator[Site]:
    site = Site(tmp_path / "vm", slow.requirement)
    yield site
    site.builder.abandon()


def under_way(site: Site, slow: SlowPackage) -> int:
    """The process that builds, in the middle of it."""
    site.begin()
    assert site.state() is BuildState.RUNNING  # at once, whatever has come of the process so far
    wait_for(lambda: slow.has_begun, "the package to be built", within=MINUTE)
    return site.pid


def test_what_is_made_is_seen_and_what_was_made_is_whole(site: Site, slow: SlowPackage) -> None:
    under_way(site, slow)
    building = site.builder.look()

    assert building
    assert (building.venv, building.since) == (site.release.venv, NOW)
    assert building.doing.startswith("installing requirements.txt")
    assert not site.environments.complete()
    slow.finish()
    site.wait_end()
    assert (site.state(), site.environments.complete()) == (None, {site.release.venv})
    assert (site.paths.ends / "build").exists()
    assert not site.paths.requests.exists(), "nobody has asked for anything"
    site.builder.take_failure()


def test_it_is_waited_for_until_it_ends_and_no_longer(site: Site, slow: SlowPackage) -> None:
    under_way(site, slow)

    site.builder.process.wait(timedelta(seconds=0.1))
    assert site.builder.process.is_running
    slow.finish()
    site.builder.process.wait(MINUTE)
    site.wait_end()
    site.builder.process.wait(MINUTE)  # at once


def test_what_is_given_up_ends_with_all_it_started_and_leaves_nothing(site: Site, slow: SlowPackage) -> None:
    pid = under_way(site, slow)
    family = [pid, *descendants(pid)]

    site.builder.abandon()

    assert not [each for each in family if is_alive(each)]
    assert site.state() is None
    assert not site.environments.remains()


@pytest.mark.parametrize("heard", [True, False], ids=["told to end", "killed at once"])
def test_one_that_has_only_just_been_started_is_given_up_as_well(site: Site, heard: bool) -> None:
    site.begin()
    if not heard:
        os.kill(wait_for(lambda: (site.paths.build / "lock").read_text() and site.pid, "its name"), signal.SIGSTOP)

    site.builder.abandon()

    assert (site.builder.process.is_running, site.state(), site.installers()) == (False, None, [])


def test_one_that_was_killed_is_seen_as_lost_and_its_installer_does_not_outlive_it(
    site: Site, slow: SlowPackage
) -> None:
    os.kill(under_way(site, slow), signal.SIGKILL)
    site.wait_end()

    assert site.state() is BuildState.LOST
    assert site.installers()  # nobody has told it yet
    with pytest.raises(Transient, match="ended by something else than the agent") as failure:
        site.builder.take_failure()
    assert failure.value.reason is Reason.BUILD_FAILED
    slow.forget()
    orphans = site.installers()
    under_way(site, slow)
    assert not [pid for pid in orphans if is_alive(pid)]
    slow.finish()
    site.wait_end()
    assert site.environments.complete() == {site.release.venv}


def test_why_it_failed_is_told_once_and_without_a_secret(tmp_path: Path) -> None:
    site = Site(tmp_path / "vm", f"{CANARY}-is-no-package-of-anybody ==== 1\n")
    site.paths.environment.parent.mkdir(parents=True)
    site.paths.environment.write_text(f"HF_TOKEN={CANARY}\n")
    site.begin()
    site.wait_end()

    assert site.state() is BuildState.FAILED
    assert not site.environments.remains()
    for path in site.paths.build.iterdir():
        assert CANARY not in path.read_text() or path.name == "order.json"  # the lock as it is in the repository
    with pytest.raises(Stalled, match=r"requirements\.txt: ") as failure:
        site.builder.take_failure()
    assert (failure.value.reason, site.state()) == (Reason.BUILD_FAILED, None)
    site.builder.take_failure()


def test_one_that_crashes_says_so_with_its_last_word(tmp_path: Path) -> None:
    site = Site(tmp_path / "vm", "idna\n")
    site.paths.venvs.parent.mkdir(parents=True, exist_ok=True)
    site.paths.venvs.write_text("a file where the directory has to be")
    site.begin()
    site.wait_end()

    assert site.state() is BuildState.LOST
    with pytest.raises(Transient, match=r"FileExistsError"):
        site.builder.take_failure()


def test_an_order_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    site = Site(tmp_path / "vm", "idna\n")
    site.paths.build.mkdir(parents=True)
    site.builder.process.order.write_text("{")

    assert site.builder.look() is None
