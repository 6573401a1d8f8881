"""git push deploys: the whole agent on this machine, daemon included."""

from __future__ import annotations

import json
import os
import signal
import socket
from datetime import timedelta
from pathlib import Path

from tests.agent.conftest import Setup
from tests.localvm import LocalVM, server
from tests.ports import free_port
from tests.process import Failed, is_alive
from tests.repo import Repo, bare_repository
from tests.status_checker import check
from tests.waiting import wait_for


def test_a_push_is_live_and_the_status_branch_tells_the_story(deployed: Setup) -> None:
    vm, repo, _ = deployed

    second = repo.deploy("two", {"notes.txt": "another tree, the same program"})
    vm.wait_live(second)
    wait_for(lambda: _told(repo, second), "the last word on the branch", unless=(Failed,))

    check(vm.status)
    assert vm.status["lastAppliedRevision"] == vm.status["activeRevision"] == f"main@sha1:{second}"
    assert any("Ready=True ReconciliationSucceeded" in line for line in repo.log("status/vm-1"))
    assert second[:8] in repo.show("status/vm-1", "README.md")


def test_an_app_is_told_where_its_code_and_its_evidence_are(deployed: Setup) -> None:
    environ = Path(f"/proc/{deployed.vm.app_pid}/environ").read_bytes().decode().split("\0")

    assert {f"REPOSITORY_URL={deployed.remote}", "STATUS_BRANCH=status/vm-1"} <= set(environ)


def test_another_environment_of_the_agent_s_own_is_written_and_restarts_nothing(deployed: Setup) -> None:
    """As after an upgrade of the agent that tells apps more than the one before."""
    vm, _, remote = deployed
    before = vm.app_pid
    vm.write_source(str(remote), "status: {branch: status/renamed}")
    units = vm.home / "supervisor" / "units"
    wait_for(
        lambda: any("status/renamed" in unit.read_text() for unit in units.glob("*.json")),
        "the unit",
        unless=(OSError,),
    )
    vm.wait_condition("Ready", "True")
    assert vm.app_pid == before


def _told(repo: Repo, sha: str) -> bool:
    last = repo.log("status/vm-1")[0]
    return "Ready=True" in last and sha[:8] in last


def test_a_code_only_push_installs_nothing(deployed: Setup) -> None:
    vm, repo, _ = deployed
    before = {path.name for path in (vm.home / "venvs").iterdir()}

    vm.wait_live(repo.deploy("two", {"server.py": server() + "# changed\n"}))

    assert before == {path.name for path in (vm.home / "venvs").iterdir()}


def test_a_crashing_push_is_rejected_and_the_old_release_returns(deployed: Setup) -> None:
    vm, repo, _ = deployed
    first = repo.head

    bad = repo.deploy("bad", {"server.py": "raise SystemExit(3)\n"})
    stalled = vm.wait_condition("Stalled", "True", "RevisionRejected")
    vm.wait_live(first)
    ready = vm.wait_condition("Ready", "False", "ProcessExited")

    check(vm.status)
    assert "exited with status 3" in ready["message"]
    assert bad[:8] in ready["message"]
    assert stalled["message"]
    assert vm.status["rejectedRevisions"][0]["revision"] == f"main@sha1:{bad}"
    assert vm.code("status") == 1


def test_an_unready_push_is_rejected_at_the_timeout_and_a_fix_recovers_by_itself(deployed: Setup) -> None:
    vm, repo, _ = deployed
    state = vm.state().replace("readinessProbe: {", "startupProbe: {failureThreshold: 3}\n  readinessProbe: {")

    repo.deploy("bad", {"server.py": server(500), "desired-state.yaml": state})
    ready = vm.wait_condition("Ready", "False", "HealthCheckFailed")
    assert "answered 500" in ready["message"]

    fixed = repo.deploy("fixed", {"server.py": server()})
    vm.wait_live(fixed)
    vm.wait_condition("Ready", "True")
    check(vm.status)


def test_a_broken_desired_state_keeps_the_old_release_and_names_the_line(deployed: Setup) -> None:
    vm, repo, _ = deployed
    first = repo.head

    repo.deploy("typo", {"desired-state.yaml": vm.state() + "suspnd: true\n"})
    ready = vm.wait_condition("Ready", "False", "InvalidSpec")

    assert "desired-state.yaml:11: suspnd" in ready["message"]
    assert "suspend" in ready["message"]  # did you mean
    assert vm.get() == first
    repo.deploy("mended", {"desired-state.yaml": vm.state()})
    vm.wait_condition("Ready", "True")


def test_a_first_deploy_that_fails_is_stalled_and_a_push_cures_it(setup: Setup) -> None:
    vm, repo, _ = setup
    repo.deploy("bad", {"desired-state.yaml": vm.state(), "server.py": "raise SystemExit(1)\n"})
    vm.start()

    stalled = vm.wait_condition("Stalled", "True")
    assert "no release has been healthy here yet" in stalled["message"]
    assert not vm.status["rejectedRevisions"]

    vm.wait_live(repo.deploy("fixed", {"server.py": server()}))
    vm.wait_condition("Ready", "True")


def test_a_confirmed_release_that_is_no_longer_ready_is_told_and_left_alone(deployed: Setup, tmp_path: Path) -> None:
    vm, repo, _ = deployed
    sick = tmp_path / "sick"
    moody = server().replace("200", f"500 if self.path == '/ready' and os.path.exists({str(sick)!r}) else 200")
    state = vm.state().replace("readinessProbe: {", "readinessProbe: {httpGet: {path: /ready}, ")
    state = state.replace("livenessProbe: {", "livenessProbe: {httpGet: {path: /alive}, ")
    vm.wait_live(repo.deploy("moody", {"server.py": moody, "desired-state.yaml": state}))
    vm.wait_condition("Ready", "True")
    pid = vm.app_pid

    sick.touch()
    ready = vm.wait_condition("Ready", "False", "HealthCheckFailed")
    assert "GET /ready answered 500" in ready["message"]
    assert vm.code("status") == 1, vm.status["conditions"]

    sick.unlink()
    vm.wait_condition("Ready", "True")
    assert vm.app_pid == pid, "whoever is asked for nothing is not restarted"


def test_a_killed_app_and_a_killed_daemon_come_back(deployed: Setup) -> None:
    vm, repo, _ = deployed
    first = vm.app_pid

    os.kill(first, signal.SIGKILL)
    wait_for(lambda: vm.app_pid not in {0, first}, "another process")
    vm.wait_live(repo.head)

    second = vm.app_pid
    assert vm.daemon
    os.kill(vm.daemon.pid, signal.SIGKILL)
    vm.stop()
    assert vm.app_pid == second  # the app never noticed
    vm.start()
    vm.wait_live(repo.deploy("after", {"notes.txt": "x"}))


def test_a_hanging_app_is_restarted(deployed: Setup) -> None:
    vm, repo, _ = deployed
    hung = vm.app_pid

    os.kill(hung, signal.SIGSTOP)
    wait_for(lambda: vm.app_pid not in {0, hung}, "another process", within=timedelta(seconds=60))

    vm.wait_live(repo.head)
    wait_for(lambda: vm.status["counters"]["selfHeals"], "the heal to be counted")


def test_a_port_that_somebody_else_has_costs_the_old_release_nothing_and_the_new_one_waits_for_it(
    deployed: Setup,
) -> None:
    vm, repo, _ = deployed
    first, app, old_port = repo.head, vm.app_pid, vm.port

    with socket.create_server(("127.0.0.1", free_port())) as taken:
        new_port = taken.getsockname()[1]
        moved = repo.deploy(
            "moved", {"desired-state.yaml": vm.state().replace(f"port: {old_port}", f"port: {new_port}")}
        )
        stalled = vm.wait_condition("Stalled", "True", "PortInUse")
        assert f"port {new_port} is held by process {os.getpid()} (" in stalled["message"]
        wait_for(lambda: _tries(vm) >= 2, "a second try", unless=(OSError, ValueError))
        assert (vm.get(), vm.app_pid) == (first, app)
        assert vm.condition("Healthy")["status"] == "True"
        assert not vm.status["rejectedRevisions"]

    vm.port = new_port
    vm.wait_live(moved, within=timedelta(minutes=2))
    vm.wait_condition("Ready", "True")


def _tries(vm: LocalVM) -> int:
    """How often the step that failed last has failed, as the ledger has it."""
    return int(json.loads((vm.home / "state" / "ledger.json").read_text())["failure"][-1])


def test_a_remote_that_is_away_leaves_everything_running_and_recovers(deployed: Setup) -> None:
    vm, repo, remote = deployed
    assert vm.daemon
    pid, app = vm.daemon.pid, vm.app_pid

    away = remote.rename(remote.with_name("away"))
    failed = vm.wait_condition("FetchFailed", "True")
    assert failed["reason"] == "GitOperationFailed"
    assert vm.condition("Healthy")["status"] == "True"
    assert (vm.daemon.pid, vm.app_pid) == (pid, app)
    assert vm.daemon.running

    away.rename(remote)
    vm.wait_live(repo.deploy("after", {"notes.txt": "x"}), within=timedelta(minutes=2))
    vm.wait_condition("Ready", "True")
    assert not vm.condition("FetchFailed")


def test_another_secret_is_another_release(deployed: Setup) -> None:
    vm, _, _ = deployed
    before = vm.app_pid

    (vm.config / "env").write_text("HF_TOKEN=hf_canarycanarycanarycanary\n")
    wait_for(lambda: vm.app_pid not in {0, before}, "a process with the new environment")

    wait_for(lambda: vm.condition("Ready").get("status") == "True", "Ready", unless=(OSError, ValueError))
    told = "".join(path.read_text() for path in (vm.home / "state").rglob("*.json"))
    assert "hf_canary" not in told


def test_an_app_of_another_repository_is_followed_too(setup: Setup, tmp_path: Path) -> None:
    vm, repo, _ = setup
    other = bare_repository(tmp_path / "app.git")
    app = Repo.clone(other, tmp_path / "app")
    app.deploy("app one", {"server.py": server()})
    repo.deploy("config", {"desired-state.yaml": vm.state(f"source: {{url: {other}}}\n")})
    vm.start()
    vm.wait_live(app.head)

    vm.wait_live(app.deploy("app two", {"notes.txt": "x"}))


def test_a_stop_ends_everything_it_started(deployed: Setup) -> None:
    vm, _, _ = deployed
    app = vm.app_pid
    assert vm.daemon
    below = [vm.daemon.pid, *vm.processes()]

    vm.stop()

    assert not [pid for pid in below if is_alive(pid)]
    assert vm.app_pid == app  # nobody stopped the app
