"""Root trees of Debian as a cloud image comes: sshd, sudo, python3, a user `ops` with sudo and a user `mood` without.

A tree is built once by mmdebstrap and kept in the cache; machines run on copies of it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from tests.process import Background
from tests.vm import hostsettings
from tests.vm.locks import exclusively
from tests.waiting import wait_for

PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "openssh-server", "sudo"),
    *("python3", "iproute2", "procps", "ca-certificates", "curl"),
)
PREPARED = ("git", "python3-venv")
"""What a bootstrap would have to install first; a `bare` image leaves it out."""

# Should the run be killed, mmdebstrap is told to end, too. It inherits flock's lock: the next run waits until it has.
BUILD = ("sh", "-euc", 'rm -rf --one-file-system "$1"; shift; exec "$@"', "build")

# As cloud-init leaves the first user. Host keys and the machine id are each machine's own.
SET_UP = """\
chroot "$1" useradd --uid 1000 --create-home --shell /bin/bash --groups sudo ops
chroot "$1" useradd --uid 1001 --create-home --shell /bin/bash mood
echo 'ops ALL=(ALL) NOPASSWD:ALL' > "$1/etc/sudoers.d/90-cloud-init-users"
chmod 0440 "$1/etc/sudoers.d/90-cloud-init-users"
rm -f "$1"/etc/ssh/ssh_host_*_key "$1"/etc/ssh/ssh_host_*_key.pub "$1/etc/machine-id"
"""


def cache() -> Path:
    """Where trees are kept and machines run: $GITOPS_VM_TEST_CACHE, else ~/.cache/gitops-vm-tests."""
    set_to = os.environ.get("GITOPS_VM_TEST_CACHE")
    return Path(set_to) if set_to else Path.home() / ".cache" / "gitops-vm-tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    suite: str
    variant: str
    packages: tuple[str, ...]
    set_up: str
    sources: tuple[str, ...]
    apt_options: tuple[str, ...]

    @property
    def name(self) -> str:
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return f"{self.suite}-{digest[:12]}"


def recipe(suite: str, *, bare: bool) -> Recipe:
    return Recipe(
        suite=suite,
        variant="minbase",
        packages=PACKAGES if bare else PACKAGES + PREPARED,
        set_up=SET_UP,
        sources=tuple(hostsettings.apt_sources(suite)),
        apt_options=tuple(hostsettings.apt_options()),
    )


def built(wanted: Recipe, say: Callable[[str], None]) -> Path:
    """The tree of this recipe, from the cache or built now (about 20 s); `say` hears of the progress."""
    images = cache() / "images"
    images.mkdir(parents=True, exist_ok=True)
    tree = images / wanted.name
    with exclusively(images / f"{wanted.name}.lock"):
        if not tree.is_dir():
            aside = images / f"{wanted.name}.unfinished"
            _build(wanted, aside, say)
            aside.rename(tree)
    return tree


def _build(wanted: Recipe, into: Path, say: Callable[[str], None]) -> None:
    say(f"building a Debian {wanted.suite} image, once, into {into.parent}")
    log = into.with_name(f"{wanted.name}.log")
    log.unlink(missing_ok=True)
    lock = ("setpriv", "--pdeathsig=TERM", "flock", "--no-fork", into.with_name(f"{wanted.name}.building"))
    build = Background(*lock, *BUILD, into, *_argv(wanted, into), log=log)
    try:
        wait_for(_Teller(build, log, say), "the image to be built", within=timedelta(minutes=10))
        status = build.wait(timedelta(seconds=1))
    finally:
        build.stop()
    if status:
        raise RuntimeError(f"mmdebstrap exited with {status}; {log} ends with:\n{log.read_text()[-2000:]}")


class _Teller:
    """Passes mmdebstrap's own lines on, each once; true when it has ended and all are told."""

    def __init__(self, build: Background, log: Path, say: Callable[[str], None]) -> None:
        self._build, self._log, self._say, self._told = build, log, say, 0

    def __call__(self) -> bool:
        ended = not self._build.running
        lines = self._log.read_text(errors="replace").splitlines()
        for line in lines[self._told :]:
            if line.startswith(("I: ", "W: ", "E: ")):
                self._say(f"  {line[3:]}")
        self._told = len(lines)
        return ended


def _argv(wanted: Recipe, into: Path) -> list[str]:
    return [
        *("mmdebstrap", "--mode=root", f"--variant={wanted.variant}", f"--include={','.join(wanted.packages)}"),
        *(f"--aptopt={option}" for option in wanted.apt_options),
        # Without fsync for each file: an unfinished tree is thrown away.
        "--dpkgopt=force-unsafe-io",
        *("--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*"),
        *("--customize-hook=" + wanted.set_up, wanted.suite, str(into)),
        *wanted.sources,
    ]
