"""What an environment costs: the disk of one for many releases, nothing twice, and no packages for a GPU that is not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agent.errors import Stalled
from agent.host import disk
from agent.host.accelerator import is_doubtful
from agent.host.uv import Uv
from agent.source import Packages
from tests.host.test_environment import Vm, imports
from tests.packageindex import Index, serving
from tests.process import run

MEGA = 1024**2
GPU = any(Path(place).exists() for place in ("/proc/driver/nvidia/version", "/dev/nvidia0"))


@pytest.fixture
def index() -> Iterator[Index]:
    with serving() as index:
        index.add("large", "1", files={"large.py": b"#" + os.urandom(4 * MEGA).hex().encode().replace(b"0", b"\n#")})
        index.add("small", "1")
        index.add("small", "2")
        index.add("nvidia-cublas", "13")
        index.add("torch", "2.13.0", "nvidia-cublas==13")
        index.add("torch", "2.13.0+cpu")
        yield index


@pytest.fixture
def vm(tmp_path: Path, index: Index) -> Vm:
    """Everything comes from this index; nothing is in uv's cache."""
    vm = Vm(tmp_path, {"UV_FIND_LINKS": "", "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "UV_HTTP_RETRIES": "0"})
    vm.packages = Packages(index=index.url)
    return vm


def test_ten_releases_of_the_same_lock_use_the_disk_of_one(vm: Vm, index: Index) -> None:
    vm.write(**{"requirements.txt": "large==1\n"})
    vm.build()
    data = vm.paths.data
    one, names = disk.freed(data), set()

    for number in range(10):
        vm.write(**{"app.py": f"print({number})\n"})
        names.add(vm.build())

    assert len(names) == len(list(vm.paths.venvs.iterdir())) == 1
    assert disk.freed(data) - one < MEGA
    assert index.fetched == ["large-1-py3-none-any.whl"]


def test_another_lock_costs_what_is_new_in_it(vm: Vm, index: Index) -> None:
    vm.write(**{"requirements.txt": "large==1\nsmall==1\n"})
    first = vm.build()
    vm.write(**{"requirements.txt": "large==1\nsmall==2\n"})
    second = vm.build()

    def large(venv: Path) -> Path:
        return next(venv.glob("lib/python*/site-packages/large.py"))

    assert first != second
    assert large(first).stat().st_ino == large(second).stat().st_ino
    assert disk.freed(second) < MEGA < large(second).stat().st_size
    assert index.fetched.count("large-1-py3-none-any.whl") == 1


def test_a_lock_whose_packages_are_all_in_the_cache_asks_no_index(vm: Vm, index: Index) -> None:
    small, large = index.pinned("small", "1"), index.pinned("large", "1")
    vm.write(**{"requirements.txt": small + large})
    vm.build()
    index.asked.clear()
    index.fetched.clear()

    vm.write(**{"requirements.txt": large + small})
    assert imports(vm.build(), "small")

    assert index.asked == index.fetched == []


def test_what_a_lock_leaves_open_is_asked_for(vm: Vm, index: Index) -> None:
    vm.write(**{"requirements.txt": "small\n"})
    assert imports(vm.build(), "small")
    index.asked.clear()
    index.add("small", "3", files={"small.py": b"THIRD = True\n"})

    vm.write(**{"requirements.txt": "small\n# again\n"})
    venv = vm.build()

    assert index.asked
    assert imports(venv, "small")
    assert run(venv / "bin" / "python", "-c", "import small; print(small.THIRD)") == "True\n"


def start(venv: Path, modules: str = "small") -> None:
    """As a release does: with nothing in its environment that keeps Python from writing what it has compiled."""
    run(venv / "bin" / "python", "-c", f"import {modules}", env={"PATH": "/usr/bin:/bin"})


def test_bytecode_is_compiled_once_for_all_releases_of_an_environment(vm: Vm) -> None:
    vm.write(**{"requirements.txt": "small==1\n"})
    venv = vm.build()
    start(venv)
    compiled = next(venv.glob("lib/python*/site-packages/__pycache__/small.*.pyc"))
    before = compiled.stat()

    vm.write(**{"app.py": "another release"})
    start(vm.build())

    after = compiled.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def bytecode(venv: Path, module: str) -> list[Path]:
    return list(venv.glob(f"lib/python*/site-packages/__pycache__/{module}.*.pyc"))


def test_bytecode_of_packages_that_did_not_change_is_carried_over(vm: Vm) -> None:
    vm.write(**{"requirements.txt": "small==1\nlarge==1\n"})
    first = vm.build()
    start(first, "small, large")
    vm.write(**{"requirements.txt": "small==2\nlarge==1\n"})
    second = vm.build()

    assert bytecode(second, "small") == []
    (compiled,) = bytecode(second, "large")
    known = bytecode(first, "large")[0].stat().st_ino
    assert compiled.stat().st_ino == known

    start(second, "small, large")
    assert compiled.stat().st_ino == known, "Python took it as it is"
    assert len(bytecode(second, "small")) == 1


@pytest.mark.skipif(GPU, reason="this machine has a GPU")
def test_cuda_in_a_lock_is_refused_before_any_of_it_is_fetched(vm: Vm, index: Index) -> None:
    vm.packages = Packages(index=index.url, torchBackend="auto")
    vm.write(**{"requirements.txt": "small==1\nnvidia-cublas==13 ; sys_platform == 'linux'\n"})

    failure = vm.fails()

    assert isinstance(failure, Stalled)
    assert failure.message == "requirements.txt pins CUDA (nvidia-cublas), and this VM has no GPU"
    assert "--torch-backend cpu" in failure.hint
    assert index.fetched == []


@pytest.mark.skipif(GPU, reason="this machine has a GPU")
def test_cuda_in_a_uv_lock_is_refused_as_well(vm: Vm, index: Index, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["torch==2.13.0"]\n'
    )
    del index.wheels["torch-2.13.0+cpu-py3-none-any.whl"]
    words = ("lock", "--default-index", index.url)
    locked = Uv(vm.environ, tmp_path / "lock-cache").run(*words, cwd=project, deadline=timedelta(minutes=1))
    assert locked.ok, locked.complaint
    vm.write(**{name: (project / name).read_text() for name in ("uv.lock", "pyproject.toml")})

    failure = vm.fails()

    assert "uv.lock pins CUDA (nvidia-cublas)" in failure.message
    assert "tool.uv.sources" in failure.hint
    assert not [name for name in index.fetched if name.startswith("nvidia")]


def test_what_a_platform_leaves_out_is_not_held_against_a_lock(vm: Vm, index: Index) -> None:
    vm.write(**{"requirements.txt": "small==1\nnvidia-cublas==13 ; sys_platform == 'win32'\n"})

    assert imports(vm.build(), "small")
    assert index.fetched == ["small-1-py3-none-any.whl"]


@pytest.mark.parametrize(("backend", "doubtful"), [("auto", not GPU), ("cpu", not GPU), ("cu130", False)])
def test_where_somebody_has_said_that_the_vm_uses_cuda_it_may_be_in_a_lock(
    vm: Vm, backend: str, doubtful: bool
) -> None:
    vm.write(**{"requirements.txt": "nvidia-cublas==13\n"})
    lock = vm.resolve().lock

    assert lock is not None
    assert is_doubtful(lock, Packages(torchBackend=backend)) is doubtful
