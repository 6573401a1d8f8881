"""What the resident costs while nothing happens: memory, and CPU of a poll beyond what `git ls-remote` itself costs.

For each transport the daemon's polls and plain `git ls-remote`s (same environment, same remote) are made in alternating
windows of one run, so that both meet the same noise.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.host import git, ssh
from agent.host.transport import Remote
from tests.githttp import HttpServer
from tests.gitserver import SshServer
from tests.localvm import LocalVM, server
from tests.process import run
from tests.repo import Repo, bare_repository
from tests.sshkey import SshKey

POLLS = 20
ROUNDS = 2
INTERVAL = 0.25  # seconds; daemon.json takes it, a desired-state.yaml would be held to 2 s
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU in milliseconds for one poll; memory in MB."""

    transport: str
    poll: float
    plain: float
    rss: float


def main() -> None:
    print(f"idle daemon: {ROUNDS} x {POLLS} polls against as many plain `git ls-remote`, alternating")
    print(f"{'transport':22}{'poll':>10}{'ls-remote':>12}{'beyond':>10}{'ratio':>8}{'RSS':>10}")
    for cost in costs():
        beyond = cost.poll - cost.plain
        print(
            f"{cost.transport:22}{cost.poll:>7.1f} ms{cost.plain:>9.1f} ms{beyond:>7.1f} ms"
            f"{cost.poll / cost.plain:>8.2f}{cost.rss:>7.1f} MB",
            flush=True,
        )


def costs() -> Iterator[Cost]:
    with tempfile.TemporaryDirectory(prefix="gitops-vm-bench-") as scratch:
        root = Path(scratch)
        yield _local(root / "local")
        yield from _ssh(root / "ssh")
        yield _https(root / "https")


def _local(root: Path) -> Cost:
    root.mkdir()
    remote = bare_repository(root / "remote.git")
    return _measure("local path", root, str(remote), Repo.clone(remote, root / "work"))


def _ssh(root: Path) -> Iterator[Cost]:
    root.mkdir()
    key = SshKey.generate(root / "key")
    with SshServer(root / "server", key) as served:
        served.create("app.git")
        repo = served.clone("app.git", root / "work")
        # Below a path too long for a Unix socket's name no connection is kept.
        for name, home in (("ssh, kept open", root / "kept"), ("ssh, fresh each time", root / ("long" * 25))):
            access = (key.private, served.known_hosts.read_text())
            yield _measure(name, home, served.url("app.git"), repo, access=access)


def _https(root: Path) -> Cost:
    root.mkdir()
    with HttpServer(root / "server", tls=True) as served:
        served.create("app.git")
        repo = served.clone("app.git", root / "work")
        trusted = served.environment.get("GIT_SSL_CAINFO", "")
        os.environ["GIT_SSL_CAINFO"] = trusted  # for the plain ones; the daemon inherits it
        return _measure("https", root / "vm", served.url("app.git"), repo)


def _measure(name: str, root: Path, url: str, repo: Repo, *, access: tuple[Path, str] | None = None) -> Cost:
    with LocalVM(root / "home", url) as vm:
        if access:
            (vm.config / "deploy_key").write_bytes(access[0].read_bytes())
            (vm.config / "deploy_key").chmod(0o600)
            (vm.config / "known_hosts").write_text(access[1])
        repo.deploy(name, {"desired-state.yaml": vm.state(), "server.py": server()})
        vm.start()
        vm.wait_live(repo.head)
        vm.wait_condition("Ready", "True")
        assert vm.daemon
        polls, plains = [], []
        for _ in range(ROUNDS):
            remote, poll = _undisturbed(vm, vm.daemon.pid)
            polls.append(poll)
            with _stopped(vm.daemon.pid):
                plains.append(_plain(remote))
        rss = _rss(vm.daemon.pid)
        vm.stop()
        ssh.disconnect(remote)
    return Cost(transport=name, poll=min(polls), plain=min(plains), rss=rss)


def _undisturbed(vm: LocalVM, pid: int) -> tuple[Remote, float]:
    """The remote, and the cost of a poll in a round during which no worker ran: one writes daemon.json anew."""
    while True:
        remote = _hurry(vm)
        time.sleep(1)
        poll = _polled(vm, pid)
        if _config(vm)["interval"] == INTERVAL:
            return remote, poll


def _config(vm: LocalVM) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((vm.home / "state" / "daemon.json").read_text())
    return found


def _hurry(vm: LocalVM) -> Remote:
    """Make the daemon poll fast."""
    config = {**_config(vm), "interval": INTERVAL, "readiness": None, "liveness": None}
    (vm.home / "state" / "daemon.json").write_text(json.dumps(config))
    return Remote.from_json(config["remotes"]["config"])


def _polled(vm: LocalVM, pid: int) -> float:
    """CPU per poll, of the daemon, what it ran, and the ssh connection that is kept."""
    heads = vm.home / "run" / "heads.json"
    before, seen, changes = _cpu(vm, pid), heads.stat().st_mtime_ns, 0
    while changes < POLLS and _config(vm)["interval"] == INTERVAL:
        time.sleep(INTERVAL / 10)
        now = heads.stat().st_mtime_ns
        changes += now != seen
        seen = now
    return (_cpu(vm, pid) - before) / POLLS


def _cpu(vm: LocalVM, pid: int) -> float:
    """Milliseconds so far, ended children included; and of ssh masters of this home."""
    masters = [each for each in _pids() if str(vm.home / "run" / "ssh-") in _command(each)]
    return sum(_times(each) for each in (pid, *masters))


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _times(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * 1000 / _TICK


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, 19)  # SIGSTOP: its polls must not be counted with the plain ones
    try:
        yield
    finally:
        os.kill(pid, 18)


def _plain(remote: Remote) -> float:
    """CPU of one `git ls-remote` as a shell would run it, with the same access."""
    argv = git.argv("ls-remote", "--", remote.url, remote.ref, f"{remote.ref}^{{}}")
    script = f'for i in $(seq {POLLS}); do "$@" >/dev/null; done'
    before = os.times()
    run("sh", "-c", script, "sh", *argv, env=git.environment(remote))
    after = os.times()
    return (after.children_user + after.children_system - before.children_user - before.children_system) * 1000 / POLLS


def _rss(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
