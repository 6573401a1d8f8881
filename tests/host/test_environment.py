"""Real uv and a real package index: without one these tests are skipped, loudly."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent import desired
from agent.desired import Spec
from agent.errors import AgentError, Broken, Reason, Stalled, Transient
from agent.host import estimate, install
from agent.host.downloads import Downloads
from agent.host.environment import Environments
from agent.host.interpreter import own
from agent.host.recipe import Environment
from agent.host.uv import Uv
from agent.paths import Paths, locate
from agent.source import Packages
from tests.ports import SilentPort, free_port
from tests.process import Failed, run

HASHED = """\
idna==3.20 \\
    --hash=sha256:ab7ae7122974553370f0bdb919e1a960b2cd1bc1ef0276416d896db81c14582c
"""


class Vm:
    """A repository's files in memory, and the environments of one VM."""

    def __init__(self, top: Path, environ: dict[str, str] | None = None) -> None:
        self.environ = {**os.environ, **(environ or {})}
        self.paths: Paths = locate({"GITOPS_VM_HOME": str(top), "HOME": str(top)}, uid=os.getuid())
        self.files: dict[str, bytes] = {}
        self.packages = Packages()

    @property
    def environments(self) -> Environments:
        return Environments(self.paths, self.packages, self.environ)

    def write(self, **files: str) -> None:
        self.files |= {name.replace("__", "/"): text.encode() for name, text in files.items()}

    def resolve(self, **python: object) -> Environment:
        return self.environments.resolve(spec(**python), self.files.get)

    def build(self, **python: object) -> Path:
        wanted = self.resolve(**python)
        self.environments.build(wanted)
        return self.paths.venv(wanted.id)

    def fails(self, **python: object) -> AgentError:
        with pytest.raises(AgentError) as failure:
            self.build(**python)
        assert not self.environments.complete()
        assert not self.environments.remains()
        return failure.value


def spec(**python: object) -> Spec:
    document = {"apiVersion": "gitops-vm/v1", "app": "mood", "service": {"exec": "python app.py", "port": 8010}}
    return desired.parse(json.dumps({**document, "python": python}).encode(), host="vm-1")


def imports(venv: Path, module: str) -> bool:
    try:
        run(venv / "bin" / "python", "-c", f"import {module}")
    except Failed:
        return False
    return True


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """uv's cache for all tests, filled once; the test of the index is this."""
    cache = tmp_path_factory.mktemp("cache")
    uv = Uv(os.environ, cache)
    venv = cache / "venv"
    deadline = timedelta(minutes=2)
    made = uv.run("venv", "--quiet", venv, deadline=deadline)
    assert made.ok, made.complaint
    got = uv.run("pip", "install", "--python", venv / "bin/python", "iniconfig", "idna==3.20", deadline=deadline)
    if not got.ok:
        pytest.skip(f"NO PACKAGE INDEX: {got.complaint}")
    return cache


@pytest.fixture
def vm(tmp_path: Path, warm: Path) -> Vm:
    vm = Vm(tmp_path)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "uv").symlink_to(warm)
    return vm


def test_requirements_are_installed_and_counted(vm: Vm) -> None:
    vm.write(**{"requirements.txt": HASHED})
    venv = vm.build(requireHashes=True)
    assert imports(venv, "idna")
    facts = vm.environments.facts(vm.resolve(requireHashes=True).id)
    assert facts is not None
    assert facts.packages == 1
    assert facts.python == run(venv / "bin/python", "-V").split()[1]
    assert facts.lock == f"sha256:{vm.resolve().lock.digest}"


def test_an_app_without_dependencies_gets_an_empty_environment(vm: Vm) -> None:
    venv = vm.build()
    assert not imports(venv, "idna")
    assert imports(venv, "json")


def test_a_uv_lock_is_installed_with_the_extras_asked_for(vm: Vm, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = []\n'
        '[project.optional-dependencies]\nmore = ["idna"]\n[dependency-groups]\ndev = ["iniconfig"]\n'
    )
    locked = Uv(os.environ, tmp_path / "cache/uv").run("lock", cwd=project, deadline=timedelta(minutes=1))
    assert locked.ok, locked.complaint
    names = ("uv.lock", "pyproject.toml")
    vm.write(**{f"app__{name}": (project / name).read_text() for name in names})
    vm.write(**{"requirements.txt": "never read"})
    plain = vm.environments.resolve(spec(lock="app/uv.lock"), vm.files.get)
    vm.environments.build(plain)
    extra = vm.environments.resolve(spec(lock="app/uv.lock", extras=["more"]), vm.files.get)
    vm.environments.build(extra)
    assert not imports(vm.paths.venv(plain.id), "idna")
    assert imports(vm.paths.venv(extra.id), "idna")
    assert not imports(vm.paths.venv(extra.id), "iniconfig")


def test_a_uv_lock_tells_what_an_installation_takes_at_least_and_only_of_what_is_installed(
    vm: Vm, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["idna==3.20"]\n'
        '[project.optional-dependencies]\nmore = ["iniconfig"]\n'
    )
    uv = Uv(os.environ, tmp_path / "cache/uv")
    words = (("lock",), ("sync", "--frozen", "--dry-run"))
    locked, rehearsal = (uv.run(*each, cwd=tmp_path, deadline=timedelta(minutes=1)) for each in words)
    assert locked.ok, locked.complaint
    vm.write(**{name: (tmp_path / name).read_text() for name in ("uv.lock", "pyproject.toml")})
    lock = vm.resolve().lock
    assert lock
    wheel = next(line for line in vm.files["uv.lock"].decode().splitlines() if "/idna-3.20-py3-none-any.whl" in line)
    assert estimate.least(lock, rehearsal.stderr.decode()) == int(re.findall(r"size = (\d+)", wheel)[0])


def test_a_pylock_is_installed(vm: Vm, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("idna\n")
    words = ("pip", "compile", "--quiet", "--format=pylock.toml", "--output-file=pylock.toml", "in.txt")
    made = Uv(os.environ, tmp_path / "cache/uv").run(*words, cwd=tmp_path, deadline=timedelta(minutes=1))
    assert made.ok, made.complaint
    vm.write(**{"pylock.toml": (tmp_path / "pylock.toml").read_text()})
    assert imports(vm.build(), "idna")


def test_the_dependencies_of_a_project_are_installed_with_extras(vm: Vm) -> None:
    vm.write(
        **{
            "pyproject.toml": '[project]\nname = "demo"\nversion = "1"\ndependencies = ["iniconfig"]\n'
            '[project.optional-dependencies]\nmore = ["idna"]\n'
        }
    )
    assert not imports(vm.build(), "idna")
    venv = vm.build(extras=["more"])
    assert imports(venv, "idna")
    assert imports(venv, "iniconfig")


def test_a_code_only_push_installs_nothing(vm: Vm) -> None:
    vm.write(**{"requirements.txt": HASHED, "app.py": "one"})
    venv = vm.build()
    before = venv.stat().st_mtime_ns, (venv / "gitops-vm.json").stat().st_ino
    vm.write(**{"app.py": "two"})
    vm.environ["PATH"] = "/nonexistent"  # neither uv nor anything else could run
    assert vm.build() == venv
    assert (venv.stat().st_mtime_ns, (venv / "gitops-vm.json").stat().st_ino) == before


def test_downloads_are_trusted_after_a_killed_build_and_not_after_the_end_of_the_machine(tmp_path: Path) -> None:
    """What a power cut makes of them is seen in test_power_cut.py."""
    cache, unsettled = tmp_path / "uv", tmp_path / "uv.unsettled"
    downloads = Downloads(cache)
    with suppress(KeyboardInterrupt), downloads.adding():
        (cache / "wheels").mkdir(parents=True)
        raise KeyboardInterrupt
    with downloads.adding():
        assert (cache / "wheels").exists()
    assert not unsettled.exists()

    unsettled.write_text("the boot before this one")
    with downloads.adding():
        assert not cache.exists()


def test_what_an_interrupted_build_left_is_built_again(vm: Vm) -> None:
    vm.write(**{"requirements.txt": HASHED})
    venv = vm.build()
    name = vm.resolve().id
    (venv / "gitops-vm.json").unlink()
    (venv / "lib/half").touch()
    assert (vm.environments.complete(), vm.environments.remains()) == (frozenset(), {name})
    vm.build()
    assert (vm.environments.complete(), vm.environments.remains()) == ({name}, frozenset())
    assert not (venv / "lib/half").exists()


def test_an_environment_whose_python_is_gone_is_built_again(vm: Vm) -> None:
    venv = vm.build()
    python = venv / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    assert not vm.environments.complete()
    vm.build()
    assert imports(venv, "json")


def test_a_removed_environment_is_gone(vm: Vm) -> None:
    vm.build()
    vm.environments.remove([vm.resolve().id])
    assert list(vm.paths.venvs.iterdir()) == []


def test_installed_files_cannot_be_rewritten_but_bytecode_can_be_added(vm: Vm) -> None:
    """They are hard links into the cache: a program that writes to them would change every other environment."""
    vm.write(**{"requirements.txt": HASHED})
    site = next(vm.build().glob("lib/python*/site-packages"))
    module = site / "idna/core.py"
    assert module.stat().st_nlink > 1, "installed by hard link"
    assert not module.stat().st_mode & 0o222
    assert module.parent.stat().st_mode & 0o200


def test_a_python_that_is_not_there_names_those_that_are(vm: Vm) -> None:
    with pytest.raises(Broken, match=r"Python 3\.19 is not on this VM; there are .*3\.\d+\.\d+") as failure:
        vm.resolve(version="3.19")
    assert failure.value.reason is Reason.PYTHON_NOT_FOUND
    assert failure.value.hint.startswith("sudo apt-get install python3.19")


def test_the_agents_own_python_is_taken_where_the_project_allows_it(vm: Vm) -> None:
    vm.write(**{"pyproject.toml": '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.9"\n'})
    ours, major_minor = own(), "{}.{}".format(*sys.version_info)
    assert vm.resolve(version=major_minor).python == ours
    found = vm.resolve().python
    assert (found.version, found.abi, found.path.resolve()) == (ours.version, ours.abi, ours.path.resolve())
    vm.write(**{"pyproject.toml": '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.99"\n'})
    with pytest.raises(Broken, match=r"Python >=3\.99 is not on this VM"):
        vm.resolve()


@pytest.mark.parametrize(
    ("requirements", "message"),
    [
        ("idna==99", "No solution found when resolving dependencies: Because there is no version of idna==99"),
        ("idna ==== 1", "Couldn't parse requirement in `requirements.txt`"),
        (HASHED.replace("ab7ae", "00000"), "Hash mismatch for `idna==3.20`"),
        ("no-such-package-of-anybody-zzz", "was not found in the package registry"),
    ],
)
def test_what_only_a_push_cures_is_said_in_one_line(vm: Vm, requirements: str, message: str) -> None:
    vm.write(**{"requirements.txt": requirements})
    failure = vm.fails()
    assert isinstance(failure, Stalled)
    assert failure.reason is Reason.BUILD_FAILED
    assert message in failure.message
    assert "\n" not in failure.message
    assert failure.message.startswith("requirements.txt: ")


def test_missing_hashes_are_refused_where_they_are_required(vm: Vm) -> None:
    vm.write(**{"requirements.txt": "idna==3.20"})
    assert "all requirements must have a hash" in vm.fails(requireHashes=True).message


class Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401 if "/private/" in self.path else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_index_that_is_ill_may_recover(vm: Vm, index: str) -> None:
    vm.environ["UV_HTTP_RETRIES"] = "0"
    vm.write(**{"requirements.txt": "idna"})
    vm.packages = Packages(index=f"{index}/simple")
    failure = vm.fails()
    assert isinstance(failure, Transient)
    assert failure.reason is Reason.INDEX_UNREACHABLE
    assert "503" in failure.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/simple", "https://nope.invalid/simple"])
def test_an_index_out_of_reach_may_come_back(vm: Vm, url: str) -> None:
    vm.environ["UV_HTTP_RETRIES"] = "0"
    vm.write(**{"requirements.txt": "idna"})
    vm.packages = Packages(index=url)
    failure = vm.fails()
    assert isinstance(failure, Transient)
    assert failure.reason is Reason.INDEX_UNREACHABLE
    assert url in failure.message


def test_an_index_that_wants_a_login_says_where_to_put_it(vm: Vm, index: str) -> None:
    vm.environ["UV_HTTP_RETRIES"] = "0"
    vm.write(**{"requirements.txt": "idna"})
    vm.packages = Packages(index=f"{index}/private/simple")
    failure = vm.fails()
    assert isinstance(failure, Broken)
    assert "netrc" in failure.hint


def test_an_index_that_never_answers_is_out_of_reach_and_told_before_the_deadline(vm: Vm) -> None:
    port = free_port()
    silent = SilentPort(port)
    vm.environ |= {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "1"}
    vm.write(**{"requirements.txt": "idna"})
    vm.packages = Packages(index=f"http://127.0.0.1:{port}/simple")
    try:
        failure = vm.fails()
    finally:
        silent.stop()
    assert isinstance(failure, Transient)
    assert failure.reason is Reason.INDEX_UNREACHABLE
    assert "timed out" in failure.message
    assert (
        int(Uv({}, vm.paths.packages).environment["UV_HTTP_TIMEOUT"]) <= 15
    )  # and four tries, where nobody says other


def test_an_installation_that_hangs_ends_at_its_deadline(vm: Vm) -> None:
    port = free_port()
    silent = SilentPort(port)
    vm.write(**{"requirements.txt": "idna"})
    vm.packages = Packages(index=f"http://127.0.0.1:{port}/simple")
    said: list[str] = []
    try:
        with pytest.raises(Transient, match="did not end within") as failure:
            vm.environments.build(vm.resolve(), deadline=timedelta(seconds=2), say=said.append)
    finally:
        silent.stop()
    assert failure.value.reason is Reason.DEADLINE_EXCEEDED
    assert said[0] == "installing requirements.txt"
    assert not vm.environments.remains()


def test_secrets_of_the_app_are_not_shown_to_what_builds_packages(vm: Vm, tmp_path: Path) -> None:
    seen = Uv({"HF_TOKEN": "hf_x", "PIP_FIND_LINKS": "/wheels", "UV_INDEX": "u", "PATH": "/bin"}, tmp_path).environment
    assert "HF_TOKEN" not in seen
    assert (seen["UV_FIND_LINKS"], seen["UV_INDEX"]) == ("/wheels", "u")


def test_torch_is_the_cpus_unless_a_folder_of_wheels_has_it(vm: Vm, tmp_path: Path) -> None:
    vm.environ |= {"UV_HTTP_RETRIES": "0", "UV_FIND_LINKS": "", "PIP_FIND_LINKS": ""}
    vm.write(**{"requirements.txt": "torch"})
    wanted = vm.resolve()
    plain = install.commands(wanted, tmp_path / "venv", vm.packages, {})
    assert "--torch-backend=auto" in plain[1]
    (tmp_path / "torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl").touch()
    given = install.commands(wanted, tmp_path / "venv", Packages(findLinks=(str(tmp_path),)), {})
    assert not [word for word in given[1] if "torch-backend" in word]


def test_where_models_come_from_does_not_change_the_name(vm: Vm) -> None:
    vm.write(**{"requirements.txt": "idna"})
    before = vm.resolve().id
    vm.packages = Packages(hub="https://hub.example.org")

    assert vm.resolve().id == before


def test_everything_that_changes_the_content_changes_the_name(vm: Vm) -> None:
    def name(**python: object) -> str:
        return vm.resolve(**python).id

    vm.write(**{"requirements.txt": "-r base.txt\n", "base.txt": "idna\n"})
    seen = [name(), name(requireHashes=True)]
    vm.write(**{"base.txt": "idna==3.20\n"})
    seen.append(name())
    vm.write(**{"pyproject.toml": '[project]\nname = "demo"\nversion = "1"\ndependencies = ["idna"]\n'})
    seen += [name(lock="pyproject.toml"), name(lock="pyproject.toml", extras=["x"])]
    vm.packages = Packages(index="https://example.org/simple")
    seen.append(name())
    assert len(set(seen)) == len(seen)
    assert all(len(each) == 16 for each in seen)
    vm.packages = Packages()
    assert name() == seen[2]
    assert name(lock="pyproject.toml", extras=["a", "b"]) == name(lock="pyproject.toml", extras=["b", "a"])
