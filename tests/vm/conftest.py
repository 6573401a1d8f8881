"""Machines for the tests of this folder. Where none can run, every test says so in one line, or fails if it is required."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.sshkey import SshKey
from tests.vm import image
from tests.vm.leftovers import run_folder
from tests.vm.machine import Machine

Boot = Callable[..., Machine]
PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ssh": "openssh-client",
    "sshd": "openssh-server",
    "git": "git",
    "nsenter": "util-linux",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = _missing()
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.vm)
            if item.get_closest_marker("timeout") is None:
                # The first test of a suite waits for its image.
                item.add_marker(pytest.mark.timeout(900))
            if missing and not _required():
                # A mark, not skip() in a fixture: pytest reports it once for all tests of a file.
                item.add_marker(pytest.mark.skip(reason=f"THE VM LEVEL DID NOT RUN: {missing}"))


@pytest.fixture(scope="session", autouse=True)
def _vm_level() -> None:
    if missing := _missing():
        pytest.fail(f"the VM level is required and cannot run: {missing}", pytrace=False)


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Prints a line to the terminal at once, past pytest's capture: for work that takes long."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", end="", flush=True)  # noqa: T201

    return say


@pytest.fixture(scope="session")
def image_of(say: Callable[[str], None]) -> Callable[[str, bool], Path]:
    """image_of(suite, bare): the root tree, built now if the cache has none."""
    return lambda suite, bare: image.built(image.recipe(suite, bare=bare), say)


@pytest.fixture(scope="session")
def machines() -> Iterator[Path]:
    with run_folder(image.cache() / "machines") as folder:
        yield folder


@pytest.fixture(scope="session")
def ssh_key(tmp_path_factory: pytest.TempPathFactory) -> SshKey:
    """The key that opens every machine of this run."""
    return SshKey.generate(tmp_path_factory.mktemp("keys") / "id_ed25519")


@pytest.fixture(scope="session")
def start_machine(image_of: Callable[[str, bool], Path], machines: Path, ssh_key: SshKey) -> Boot:
    """start_machine(suite="bookworm", bare=False): a machine its caller destroys."""

    def start(suite: str = "bookworm", *, bare: bool = False) -> Machine:
        return Machine.boot(image_of(suite, bare), machines / f"vm-{secrets.token_hex(3)}", ssh_key)

    return start


@pytest.fixture
def boot(start_machine: Boot) -> Iterator[Boot]:
    """boot(suite="bookworm", bare=False): as many machines as a test needs, gone after it."""
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(start_machine(*args, **kwargs))


@pytest.fixture
def machine(boot: Boot) -> Machine:
    """A new Debian 12, for this test alone."""
    return boot()


@pytest.fixture(scope="module")
def shared_machine(start_machine: Boot) -> Iterator[Machine]:
    """One Debian 12 for all tests of a module, in the state the last one left it in."""
    with start_machine() as machine:
        yield machine


def _required() -> bool:
    return os.environ.get("GITOPS_VM_REQUIRE_VM") == "1" or os.environ.get("CI") == "true"


def _missing() -> str:
    """Why no machine can run here, and what to type; empty when one can."""
    if os.geteuid() != 0:
        return "systemd-nspawn needs root (sudo -E make test)"
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    packages = sorted(package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None)
    return f"apt-get install -y {' '.join(packages)}" if packages else ""
