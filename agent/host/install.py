"""The uv commands that make an environment from a lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from ..lockfile import Kind, Lock
from ..source import Packages
from . import disk
from .accelerator import is_doubtful, refuse_cuda
from .build_process import INSTALLS_INTO
from .command import Result
from .estimate import has_sizes, refuse_what_cannot_fit
from .git_errors import public
from .recipe import Environment
from .uv import Uv
from .uv_errors import failure

_LONGEST = 120  # characters of uv's own words
# Bytecode is not compiled ahead: of 11,000 files a program imports 2,000. Its first start compiles exactly those, of
# packages that no other environment has compiled yet (bytecode.py).
_SYNC = ("sync", "--frozen", "--no-dev", "--no-install-project", "--no-install-workspace", "--no-install-local")


def install(
    wanted: Environment, venv: Path, uv: Uv, packages: Packages, *, deadline: timedelta, say: Callable[[str], None]
) -> None:
    """Make `venv`, which must not exist. Raises AgentError; what is there then is not whole.

    `say` is told what is being done, in words that follow "building: ".

    It ends before the disk is full: what has to stay free (disk.RESERVE) does.

    uv sees the files of the lock and nothing else of the repository: what is installed is what the id was made from.
    """
    venv.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    end = monotonic() + deadline.total_seconds()
    name = f"installing {wanted.lock.path}" if wanted.lock else "making an environment"
    say(name)
    with TemporaryDirectory(prefix="gitops-vm-lock-") as folder:
        where, place = _laid_out(wanted.lock, Path(folder)), {INSTALLS_INTO: str(venv)}

        def attempt(argv: Sequence[str]) -> Result:
            left = timedelta(seconds=max(1.0, end - monotonic()))
            told = _told(name, say)
            result = uv.run(*argv, deadline=left, cwd=where, env=place, tick=lambda: disk.require(venv), hear=told)
            disk.require(venv)
            return result

        def run(argv: Sequence[str]) -> Result:
            result = attempt(argv)
            if not result.ok:
                raise failure(result, deadline, lock=wanted.lock.path if wanted.lock else "python")
            return result

        make, *fill = commands(wanted, venv, packages, uv.environment)
        run(make)
        for argv in fill:
            if wanted.lock and (is_doubtful(wanted.lock, packages) or has_sizes(wanted.lock)):
                rehearsal = run([*argv, "--dry-run"])
                _refuse(wanted.lock, rehearsal, packages, venv, uv.cache)
            # Where all of a lock is in the cache no index is asked, which saves most of the time.
            if not (wanted.lock and wanted.lock.is_pinned and attempt([*argv, "--offline"]).ok):
                run(argv)


def _refuse(lock: Lock, rehearsal: Result, packages: Packages, venv: Path, cache: Path) -> None:
    """What is not to be fetched, by what a dry run has planned."""
    if is_doubtful(lock, packages):
        refuse_cuda(lock, rehearsal)
    if has_sizes(lock):
        refuse_what_cannot_fit(lock, rehearsal, venv, cache)


def _told(name: str, say: Callable[[str], None]) -> Callable[[bytes], None]:
    """The last line that uv has written is what it is at: `Resolved 71 packages in 1.2s`, `Downloading torch (150MiB)`."""

    def hear(chunk: bytes) -> None:
        if lines := public(chunk.decode(errors="replace")).split("\n"):
            last = next((line.strip() for line in reversed(lines) if line.strip()), "")
            say(f"{name}: {last[:_LONGEST]}" if last else name)

    return hear


def _laid_out(lock: Lock | None, folder: Path) -> Path:
    """Write the lock's files below `folder`; the directory of the first."""
    for path, data in lock.files if lock else ():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return (folder / lock.path).parent if lock else folder


def commands(wanted: Environment, venv: Path, packages: Packages, env: dict[str, str]) -> list[list[str]]:
    """What uv is given, one after the other, in the directory of the lock. `env` is what it sees."""
    make = ["venv", "--quiet", "--no-project", "--no-config", "--python", str(wanted.python.path), str(venv)]
    if wanted.lock is None:
        return [make]
    python = ["--python", str(venv / "bin" / "python")]
    options = [*python, *_sources(packages), *(f"--extra={extra}" for extra in wanted.extras)]
    if wanted.lock.kind is Kind.UV:
        return [make, [*_SYNC, *options]]
    hashes = ["--require-hashes"] if wanted.require_hashes else []
    torch = [] if wanted.lock.kind is Kind.PYLOCK else _torch(packages, env)
    name = Path(wanted.lock.path).name
    return [make, ["pip", "install", "--no-config", *options, *hashes, *torch, f"--requirements={name}"]]


def _sources(packages: Packages) -> list[str]:
    index = [] if packages.index == "default" else [f"--default-index={packages.index}"]
    more = [f"--index={url}" for url in packages.extra_index]
    return [*index, *more, *(f"--find-links={place}" for place in packages.find_links)]


def _torch(packages: Packages, env: dict[str, str]) -> list[str]:
    """Which build of torch, where one is asked for: auto is the CPU's on a VM without a GPU, never 2.7 GB of CUDA.

    Where a folder of wheels has torch, that one is meant: PyTorch's own index may be out of reach.
    """
    places = [*packages.find_links, *env.get("UV_FIND_LINKS", "").replace(",", " ").split()]
    given = any(next(Path(place).glob("torch-*.whl"), None) for place in places if place.startswith("/"))
    return [] if given and packages.torch_backend == "auto" else [f"--torch-backend={packages.torch_backend}"]
