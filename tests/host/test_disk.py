"""Room on the disk: what removing frees, and a build that ends before there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from agent.desired import Model
from agent.errors import Broken, Reason
from agent.host import disk
from agent.host.hub import Fetcher, Hub
from agent.host.models import Models
from agent.paths import locate
from agent.source import Packages
from tests.host.test_environment import Vm
from tests.hubserver import COMMIT, HubServer, Repo
from tests.process import Failed, run

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


def wheel(folder: Path, name: str, size: int) -> None:
    """A package that takes so many bytes once it is installed; itself it is tiny."""
    record = f"{name}.bin,,\n{name}-1.dist-info/METADATA,,\n{name}-1.dist-info/WHEEL,,\n{name}-1.dist-info/RECORD,,\n"
    with ZipFile(folder / f"{name}-1-py3-none-any.whl", "w", ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.bin", bytes(size))
        archive.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        archive.writestr(f"{name}-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}-1.dist-info/RECORD", record)


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


def test_a_model_that_does_not_fit_is_refused_before_a_byte_of_it_is_fetched(small: Path) -> None:
    paths = locate({"GITOPS_VM_HOME": str(small)}, uid=os.getuid())
    with HubServer() as hub:
        hub.repos["acme/huge"] = Repo({"config.json": b"{}", "model.safetensors": bytes(80 * MEGA)})
        fetcher = Fetcher(Hub(hub.url, "", ""), Models(paths), lambda _: None)
        with pytest.raises(Broken, match=rf"MiB are free at {small}.*, 580 MiB are needed") as failure:
            fetcher.survey([Model(repo="acme/huge", revision=COMMIT)])

        assert failure.value.reason is Reason.DISK_FULL
        assert not hub.sent
