"""Models are fetched before the switch, once, and an app finds them without a hub."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.conftest import Setup
from tests.agent.test_build import builder
from tests.hubserver import COMMIT, HubServer, Repo, large
from tests.localvm import LocalVM
from tests.status_checker import check
from tests.waiting import wait_for

NAME = "acme/mood"
CONFIG = b'{"labels": ["joy", "fear"]}'
SIZE = 6_000_000
READER = """\
import http.server, os, pathlib

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["REVISION"].encode() if self.path == "/" else answer())
    def log_message(self, *_):
        pass

def answer():
    repo = pathlib.Path(os.environ["HF_HUB_CACHE"], "models--acme--mood")
    snapshot = repo / "snapshots" / (repo / "refs" / "main").read_text()
    config, weights = (snapshot / "config.json").read_bytes(), (snapshot / "model.safetensors").read_bytes()
    return config + str(len(weights)).encode() + os.environ["HF_HUB_OFFLINE"].encode()

http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.repos[NAME] = Repo({"config.json": CONFIG, "model.safetensors": large(SIZE)})
        yield hub


@pytest.fixture
def site(setup: Setup, hub: HubServer) -> Setup:
    """A release without models that runs on a VM whose models come from `hub`. Its user works offline otherwise."""
    vm, repo, remote = setup
    vm.environment["HF_HUB_OFFLINE"] = "1"
    vm.write_source(str(remote), f"packages: {{hub: {hub.url}}}")
    first = repo.deploy("one", {"desired-state.yaml": vm.state(), "server.py": READER})
    vm.start()
    vm.wait_live(first)
    vm.wait_condition("Ready", "True")
    return setup


def push(site: Setup, *names: str, message: str = "models") -> str:
    models = ", ".join(f"{{repo: {name}, revision: {COMMIT}}}" for name in names)
    return site.repo.deploy(message, {"desired-state.yaml": site.vm.state(f"models: [{models}]\n")})


def fetched(vm: LocalVM) -> list[str]:
    """What is on the disk of all models."""
    return sorted(path.name for path in (vm.home / "models").rglob("*") if path.is_file())


def test_a_model_is_fetched_before_the_switch_and_told_and_found_offline(site: Setup, hub: HubServer) -> None:
    vm, repo, _ = site
    first = repo.head
    hub.faults.hold = {"model.safetensors": SIZE // 2}

    pushed = push(site, NAME)

    wait_for(lambda: f"fetching the model {NAME}: " in vm.condition("Ready").get("message", ""), "the fetch to be told")
    assert f"building main@sha1:{pushed[:8]} (" in vm.condition("Ready")["message"]
    assert vm.condition("Ready")["message"].endswith(" of 7 MB")
    assert vm.code("status") == 2
    assert vm.get() == first
    check(vm.status)

    hub.faults.go_on.set()
    vm.wait_live(pushed)
    vm.wait_condition("Ready", "True")
    assert vm.get("/answer") == f"{CONFIG.decode()}{SIZE}1"
    check(vm.status)

    hub.asked.clear()
    newer = repo.deploy("code alone", {"notes.txt": "x"})
    vm.wait_live(newer)
    vm.wait_condition("Ready", "True")
    assert vm.get("/answer") == f"{CONFIG.decode()}{SIZE}1"
    assert not hub.asked


def test_a_model_that_does_not_exist_leaves_the_old_release_serving_and_nothing_on_the_disk(
    site: Setup, hub: HubServer
) -> None:
    vm, repo, _ = site
    good = push(site, NAME, message="good")
    vm.wait_live(good)
    vm.wait_condition("Ready", "True")
    before, venvs = fetched(vm), sorted((vm.home / "venvs").iterdir())

    push(site, NAME, "acme/nowhere", message="bad")
    ready = vm.wait_condition("Ready", "False", "ModelUnavailable")

    assert "there is no model acme/nowhere at " in ready["message"]
    assert "\n" not in ready["message"]
    assert vm.get() == good
    assert wait_for(lambda: vm.status["rejectedRevisions"], "the rejection")
    wait_for(lambda: "Ready=False ModelUnavailable" in repo.log("status/vm-1")[0], "the branch to tell it")
    wait_for(lambda: vm.code("plan") == 0, "the disk to be clear")
    assert (fetched(vm), sorted((vm.home / "venvs").iterdir())) == (before, venvs)
    check(vm.status)


def test_a_gated_model_comes_as_soon_as_the_vm_has_the_token_which_stands_nowhere_else(
    site: Setup, hub: HubServer
) -> None:
    vm = site.vm
    hub.repos[NAME].gated = True
    pushed = push(site, NAME)
    ready = vm.wait_condition("Ready", "False", "ModelUnavailable")
    assert f"the model {NAME} is gated, and it needs a token" in ready["message"]
    assert f"write HF_TOKEN=... into {vm.config}/env (mode 0600)" in ready["message"]
    wait_for(lambda: fetched(vm) == [], "what was begun to be gone")

    secret = vm.config / "env"
    secret.write_text(f"HUGGING_FACE_TOKEN='{hub.token}'\n")
    secret.chmod(0o600)

    vm.wait_live(pushed)
    vm.wait_condition("Ready", "True")
    ours = [entry for entry in vm.home.iterdir() if entry.name not in {"config", "venvs", "models"}]
    files = (path for top in ours for path in top.rglob("*") if path.is_file() and not path.is_symlink())
    assert not [path for path in files if hub.token.encode() in path.read_bytes()]


def test_a_fetch_whose_process_is_killed_goes_on_where_it_was(site: Setup, hub: HubServer) -> None:
    vm, _, _ = site
    hub.faults.hold = {"model.safetensors": SIZE // 2}
    pushed = push(site, NAME)
    parts = vm.home / "models" / "blobs"
    wait_for(
        lambda: sum(path.stat().st_size for path in parts.glob("*.part")) > SIZE // 3, "a good part", unless=(OSError,)
    )

    os.kill(builder(vm), signal.SIGKILL)
    wait_for(lambda: not builder(vm), "its end")
    hub.faults.hold = {}
    hub.faults.go_on.set()

    vm.wait_live(pushed)
    assert vm.get("/answer") == f"{CONFIG.decode()}{SIZE}1"
    assert [
        bool(each.range) for each in hub.asked if each.path.endswith("/model.safetensors") and "cdn" in each.path
    ] == [False, True]
    assert hub.sent["model.safetensors"] < 1.5 * SIZE


def test_a_model_that_no_release_needs_any_more_goes(site: Setup, hub: HubServer) -> None:
    vm, repo, _ = site
    one = repo.deploy("one", {"desired-state.yaml": vm.state(f"models: [{{repo: {NAME}, revision: {COMMIT}}}]\n")})
    vm.wait_live(one)
    vm.wait_condition("Ready", "True")
    state = vm.state().replace("soak: 0s", "soak: 0s, rollback: {keep: 1}")
    two = repo.deploy("two", {"desired-state.yaml": state})
    vm.wait_live(two)

    wait_for(lambda: fetched(vm) == [], "the model to be gone")
    assert vm.gitops("gc", "--dry-run").splitlines()[2].split()[:2] == ["models", "0"]


def test_gc_says_what_a_model_frees(site: Setup, hub: HubServer, tmp_path: Path) -> None:
    vm, _, _ = site
    pushed = push(site, NAME)
    vm.wait_live(pushed)
    vm.wait_condition("Ready", "True")
    stray = vm.home / "models" / "blobs" / ("a" * 64)
    stray.write_bytes(b"x" * 2_000_000)

    told = [line.split() for line in vm.gitops("gc", "--dry-run").splitlines()]

    assert ["models", "0", "1.9", "MiB"] in told
    vm.gitops("gc")
    assert not stray.exists()
    assert len(fetched(vm)) == 3
