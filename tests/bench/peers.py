"""Side by side in one machine, one after the other: gitops-vm, ansible-pull, and a loop of git pull and restart.

The same app, the same visitors, the same repository over ssh, each looking every 2 s. Needs root and systemd-nspawn.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.load.report import Outcome
from tests.ports import free_port
from tests.process import descendants
from tests.sshkey import SshKey
from tests.vm import image
from tests.vm.leftovers import run_folder
from tests.vm.machine import Machine
from tests.vm.product import USER, Product, deployed
from tests.vm.switch.rollouts import confirmed, first_answer
from tests.vm.switch.under_load import under_load
from tests.vm.switch.user_apps import FASTAPI
from tests.waiting import wait_for

HERE = Path(__file__).parent / "peers"
DEPLOYS = 5
IDLE = 20
"""Seconds of looking at a repository in which nothing happens."""
SETTLE = 5
"""Seconds after a deploy, for what is still done once the new version answers."""
HOME = f"/home/{USER}/{{}}"
REQUIREMENTS = "fastapi==0.165.0\nuvicorn==0.54.0\n"
LOOPS = {"ansible-pull": "ansible_loop.sh", "git pull && restart": "git_loop.sh"}
INSTALL = timedelta(minutes=5)
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Medians, but for `idle`: the share of one core that looking costs, in percent."""

    name: str
    requests: int
    failed: float
    live: float
    idle: float


def main() -> None:
    if os.geteuid() != 0:
        print("peers: NOT RUN: systemd-nspawn needs root (sudo -E make bench)")
        return
    print(
        f"\n{DEPLOYS} deploys of a FastAPI app under load, one way after the other in one machine (takes some minutes)"
    )
    print(f"{'':22}{'requests':>10}{'failed/deploy':>15}{'push to live':>14}{'idle CPU':>10}")
    found = []
    with _product() as product:
        for each in (_ours, *(_loop(name) for name in LOOPS)):
            found.append(each(product))
            _print(found[-1])
    ours = found[0]
    for other in found[1:]:
        print(
            f"gitops-vm against {other.name}: failed requests {ours.failed:.0f} : {other.failed:.0f}, "
            f"push to live x {ours.live / other.live:.2f}, idle CPU x {ours.idle / other.idle:.2f}"
        )


def _print(found: Found) -> None:
    print(
        f"{found.name:22}{found.requests:>10}{found.failed:>15.1f}{found.live:>12.1f} s{found.idle:>8.1f} %", flush=True
    )


@contextmanager
def _product() -> Iterator[Product]:
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gitops-vm-bench-")))
        folder = stack.enter_context(run_folder(image.cache() / "machines"))
        tree = image.built(image.recipe("bookworm", bare=False), lambda line: print(line, file=sys.stderr))
        machine = stack.enter_context(Machine.boot(tree, folder / "bench", SshKey.generate(scratch / "key")))
        yield stack.enter_context(deployed(machine, scratch / "product"))


def _ours(product: Product) -> Found:
    _push(product, "0")
    product.install()
    confirmed(product, product.repo.head)
    found = _measured(product, "gitops-vm", "gitops-agent.service", lambda: confirmed(product, product.repo.head))
    product.systemctl("stop", "gitops-agent.service", "gitops-app*")
    return found


def _loop(name: str) -> Callable[[Product], Found]:
    def measure(product: Product) -> Found:
        """On a port of its own, with its own copy of everything."""
        product.port, home = free_port(), HOME.format(LOOPS[name].partition("_")[0])
        unit = f"{Path(home).name}-app.service"
        _push(product, "0", {"local.yml": (HERE / "local.yml").read_text()})
        _prepare(product, home, unit, LOOPS[name])
        product.machine.wait_for(lambda: product.get("/").ok, f"the app of {name}", within=INSTALL, unless=(Exception,))
        found = _measured(product, name, "peer.service", lambda: None)
        product.systemctl("stop", "peer.service", unit)
        return found

    return measure


def _prepare(product: Product, home: str, unit: str, loop: str) -> None:
    keys = f"/home/{USER}/.config/gitops-vm"
    ssh = f"ssh -i {keys}/deploy_key -o UserKnownHostsFile={keys}/known_hosts -o IdentitiesOnly=yes"
    service = (HERE / "peer.service").read_text().format(home=home, port=product.port)
    product.machine.put(f"/home/{USER}/.config/systemd/user/{unit}", service, owner=USER)
    product.machine.put(f"{home}/loop.sh", (HERE / loop).read_text(), owner=USER, mode=0o755)
    url = product.server.url("app")
    product.shell(f"mkdir -p {home}/code; python3 -m venv {home}/venv")
    if loop == "ansible_loop.sh":
        ansible = f"python3 -m venv {home}/ansible; {home}/ansible/bin/pip install --quiet ansible-core"
        product.shell(ansible, within=INSTALL)
    else:
        product.shell(f"GIT_SSH_COMMAND='{ssh}' git clone --quiet {url} {home}/code")
    start = (
        "systemd-run",
        "--user",
        "--quiet",
        "--unit=peer",
        "--setenv=LANG=C.UTF-8",
        f"--setenv=GIT_SSH_COMMAND={ssh}",
    )
    product.systemctl("daemon-reload")
    product.user(*start, f"{home}/loop.sh", home, unit, url)


def _measured(product: Product, name: str, unit: str, settled: Callable[[], object]) -> Found:
    idle = _idle(product, unit)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gitops-vm-bench-")))
        load = stack.enter_context(under_load(FASTAPI, product.port, scratch / "load"))
        pushes = [_deploy(product, str(number + 1), settled) for number in range(DEPLOYS)]
    return Found(
        name=name,
        requests=len(load.result.shots),
        failed=len(load.result.failed) / DEPLOYS,
        live=statistics.median(_live(load.result, pushes)),
        idle=idle,
    )


def _live(outcome: Outcome, pushes: list[float]) -> list[float]:
    return [first_answer(outcome, str(number + 1)) - pushed for number, pushed in enumerate(pushes)]


def _deploy(product: Product, version: str, settled: Callable[[], object]) -> float:
    """When it was pushed; returns when it is live."""
    pushed = time.time()
    _push(product, version)
    wait_for(
        lambda: product.get("/").json()["version"] == version, version, within=timedelta(minutes=2), unless=(Exception,)
    )
    settled()
    time.sleep(SETTLE)
    return pushed


def _push(product: Product, version: str, more: dict[str, str | bytes] | None = None) -> None:
    files = {**FASTAPI.files(product.port, version), "requirements.txt": REQUIREMENTS, **(more or {})}
    product.push(f"version {version}", files)


def _idle(product: Product, unit: str) -> float:
    time.sleep(SETTLE)
    before = _cpu(product, unit)
    time.sleep(IDLE)
    return sum(used - before.get(pid, 0) for pid, used in _cpu(product, unit).items()) / IDLE * 100


def _cpu(product: Product, unit: str) -> dict[int, float]:
    """Seconds that each of the unit's processes has used so far, with those it has waited for."""
    return {pid: _seconds(pid) for pid in descendants(product.machine.leader) if _is_in(pid, unit)}


def _is_in(pid: int, unit: str) -> bool:
    try:
        return f"/{unit}" in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False


def _seconds(pid: int) -> float:
    try:
        return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15])) / _TICK
    except OSError:
        return 0.0
