"""Room on the disk: what removing frees, and a build that is refused, or ends, before there is none."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from agent.desired import Model
from agent.errors import Broken, Reason
from agent.host import disk, files
from agent.host.ballast import SIZE, Ballast
from agent.host.garbage import Garbage, with_room
from agent.host.hub import Fetcher, Hub
from agent.host.models import Models
from agent.observed import BuildState
from agent.paths import locate
from agent.source import Packages
from tests.host.test_builder import Site
from tests.host.test_environment import Vm
from tests.hubserver import COMMIT, HubServer, Repo
from tests.loopdisk import filled, formatted
from tests.ports import LOOPBACK, SilentPort, free_port
from tests.process import Failed, run
from tests.waiting import wait_for

MEGA = 1024**2


def test_what_is_linked_from_elsewhere_is_not_freed(tmp_path: Path) -> None:
    cache, venv = tmp_path / "cache", tmp_path / "venv"
    for folder in (cache, venv):
        folder.mkdir()
    (cache / "shared").write_bytes(os.urandom(2 * MEGA))
    (cache / "own").write_bytes(os.urandom(MEGA))
    os.link(cache / "shared", venv / "shared")

    assert MEGA <= disk.freed(cache) < 2 * MEGA
    assert disk.freed(venv) < MEGA
    assert 3 * MEGA <= disk.freed(cache, venv) < 4 * MEGA
    assert disk.freed(tmp_path / "absent") == 0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of its own with 60 MiB more than has to stay free."""
    place = tmp_path / "small"
    place.mkdir()
    try:
        run("mount", "-t", "tmpfs", "-o", f"size={disk.RESERVE + 60 * MEGA}", "small", place)
    except (Failed, FileNotFoundError) as refused:
        pytest.skip(f"mounting needs root: {refused}")
    yield place
    run("umount", "--lazy", place)


def test_what_is_kept_in_reserve_is_enough_for_a_record_on_a_full_disk_and_is_kept_anew(tmp_path: Path) -> None:
    with formatted(tmp_path / "disk.img", tmp_path / "disk") as place:
        kept, record = place / "ballast", place / "record"
        ballast = Ballast(kept)
        ballast.keep()
        with filled(place):
            with pytest.raises(OSError, match="No space left"):
                files.write(record, "decided")

            ballast.afford(lambda: files.write(record, "decided"))

            assert record.read_text() == "decided"
            assert not kept.exists()
            ballast.keep()
            assert not kept.exists(), "there is no room for it"
        ballast.keep()
        assert kept.stat().st_blocks * 512 >= SIZE


def test_where_nothing_is_left_in_reserve_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    with formatted(tmp_path / "disk.img", tmp_path / "disk") as place, filled(place):
        with pytest.raises(Broken, match="the disk is full: no room to write") as failure:
            Ballast(place / "ballast").afford(lambda: files.write(place / "record", "decided"))

        assert failure.value.reason is Reason.DISK_FULL
        assert [path.name for path in place.iterdir() if path.name.startswith(".")] == []


def wheel(folder: Path, name: str, size: int, version: int = 1) -> None:
    """A package that takes so many bytes once it is installed; itself it is tiny."""
    info = f"{name}-{version}.dist-info"
    record = f"{name}.bin,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
    with ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w", ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.bin", bytes(size))
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", record)


PYLOCK = """\
lock-version = "1.0"
created-by = "a test"
[[packages]]
name = "large"
version = "1"
wheels = [
  {{ name = "large-1-py3-none-{here}.whl", url = "{url}large-1-py3-none-{here}.whl", size = {size}, hashes = {{ sha256 = "{zeros}" }} }},
  {{ name = "large-1-py3-none-win_amd64.whl", url = "{url}large-1-py3-none-win_amd64.whl", size = 1, hashes = {{ sha256 = "{zeros}" }} }},
]
"""


def pylock(size: int, port: int) -> str:
    here = f"manylinux_2_17_{platform.machine()}"
    return PYLOCK.format(here=here, size=size, url=f"http://{LOOPBACK}:{port}/", zeros="0" * 64)


@pytest.fixture
def index() -> Iterator[SilentPort]:
    """A server of packages that would be asked for them."""
    made = SilentPort(free_port())
    yield made
    made.stop()


def test_what_cannot_fit_by_its_lock_is_refused_before_anything_is_fetched(small: Path, index: SilentPort) -> None:
    vm = Vm(small)
    vm.write(**{"pylock.toml": pylock(80 * MEGA, index.port)})
    failure = vm.fails()

    assert (type(failure), failure.reason, index.accepted) == (Broken, Reason.DISK_FULL, 0)
    assert "pylock.toml takes 80 MiB or more: " in failure.message
    free, needed = map(int, re.findall(r"(\d+) MiB are", failure.message))
    assert free < needed
    assert "gitops-vm gc --cache" in failure.hint


@pytest.mark.parametrize(("size", "cached"), [(20, 0), (50, 40)])
def test_what_may_fit_is_fetched_and_what_was_downloaded_before_is_no_more_to_come(
    small: Path, index: SilentPort, size: int, cached: int
) -> None:
    vm = Vm(small, {"UV_HTTP_TIMEOUT": "1", "UV_HTTP_RETRIES": "0"})
    vm.paths.packages.mkdir(parents=True)
    (vm.paths.packages / "before").write_bytes(os.urandom(cached * MEGA))
    vm.write(**{"pylock.toml": pylock(size * MEGA, index.port)})
    failure = vm.fails()

    assert index.accepted
    assert failure.reason is not Reason.DISK_FULL


def test_a_build_ends_before_it_fills_the_disk_and_says_what_frees_it(small: Path, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels, "fits", 20 * MEGA)
    wheel(wheels, "huge", 200 * MEGA)
    vm = Vm(small)
    vm.packages = Packages(findLinks=(str(wheels),))
    vm.write(**{"requirements.txt": "fits\n"})
    vm.build()
    vm.write(**{"requirements.txt": "fits\nhuge\n"})

    with pytest.raises(Broken, match="gitops-vm gc --cache") as failure:
        vm.build()

    assert failure.value.reason is Reason.DISK_FULL
    assert len(vm.environments.complete()) == 1
    assert not vm.environments.remains()


@pytest.fixture
def upgraded(small: Path, tmp_path: Path) -> Vm:
    """10 MiB of one package are used, 30 MiB of another version of it are downloaded and no longer used."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for version, size in ((1, 30 * MEGA), (2, 10 * MEGA)):
        wheel(wheels, "gitops_grows", size, version)
    wheel(wheels, "gitops_newcomer", 25 * MEGA)
    vm = Vm(small)
    vm.packages = Packages(findLinks=(str(wheels),))
    for version in (1, 2):
        vm.write(**{"requirements.txt": f"gitops_grows=={version}\n"})
        vm.build()
    old = next(venv for venv in vm.environments.complete() if venv != vm.resolve().id)
    vm.environments.remove([old])
    return vm


def make(vm: Vm) -> None:
    """As the process does that builds."""
    with_room(Garbage(vm.paths, vm.environ), vm.resolve().id, vm.build)


def test_before_the_disk_is_said_to_be_full_downloads_go_that_no_environment_uses(upgraded: Vm) -> None:
    upgraded.write(**{"requirements.txt": "gitops_grows==2\ngitops_newcomer==1\n"})
    with pytest.raises(Broken, match="the disk is full"):
        upgraded.build()

    make(upgraded)

    assert len(upgraded.environments.complete()) == 2
    assert disk.freed(upgraded.paths.packages) < MEGA


def test_the_process_that_builds_does_so(upgraded: Vm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_FIND_LINKS", upgraded.packages.find_links[0])
    site = Site(upgraded.paths.data, "gitops_grows==2\ngitops_newcomer==1\n")
    site.begin()
    wait_for(lambda: site.state() is not BuildState.RUNNING, "its end", within=timedelta(minutes=1))
    assert site.release.venv in upgraded.environments.complete()


def test_where_that_is_not_enough_it_is_done_once_and_what_was_downloaded_meanwhile_stays(upgraded: Vm) -> None:
    wheel(Path(upgraded.packages.find_links[0]), "gitops_huge", 200 * MEGA)
    upgraded.write(**{"requirements.txt": "gitops_newcomer==1\ngitops_huge==1\n"})
    cached = upgraded.paths.packages
    for _ in range(2):
        with pytest.raises(Broken, match="the disk is full") as failure:
            make(upgraded)
        assert failure.value.reason is Reason.DISK_FULL
        assert not [*cached.glob("archive-*/*/gitops_grows-*.dist-info")]
    before = set(cached.glob("archive-*/*"))
    with pytest.raises(Broken):
        make(upgraded)
    assert before <= set(cached.glob("archive-*/*"))


def test_a_model_that_does_not_fit_is_refused_before_a_byte_of_it_is_fetched(small: Path) -> None:
    paths = locate({"GITOPS_VM_HOME": str(small)}, uid=os.getuid())
    with HubServer() as hub:
        hub.repos["acme/huge"] = Repo({"config.json": b"{}", "model.safetensors": bytes(80 * MEGA)})
        fetcher = Fetcher(Hub(hub.url, "", ""), Models(paths), lambda _: None)
        with pytest.raises(Broken, match=rf"MiB are free at {small}.*, 580 MiB are needed") as failure:
            fetcher.survey([Model(repo="acme/huge", revision=COMMIT)])

        assert failure.value.reason is Reason.DISK_FULL
        assert not hub.sent
