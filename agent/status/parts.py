"""Parts of status.json about what runs and where: the service, its probes, its environment, sshd, the VM, the agent. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..desired import Service
from ..observed import Phase, ProbeResult
from ..running import Running
from .facts import Facts, Machine, Ssh
from .wire import duration, instant

_SYSTEMD = {
    Phase.ACTIVATING: "activating",
    Phase.RUNNING: "active",
    Phase.DEACTIVATING: "deactivating",
    Phase.FAILED: "failed",
}
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104


def service_part(active: Running, vm: str) -> dict[str, Any]:
    process, service = active.process, active.release.spec.service
    return {
        "unit": process.unit,
        "activeState": _SYSTEMD[process.phase],
        "since": instant(process.since),
        "port": service.port,
        "url": _live(service, vm),
        "memoryBytes": process.memory,
        "restarts": process.restarts,
    }


def _live(service: Service, vm: str) -> str:
    """Where people find the app: as declared, else the address it listens on; `vm` is the name of one that listens on all."""
    if service.public_url:
        return service.public_url
    address = f"[{service.host}]" if ":" in service.host else service.host
    return f"http://{vm if service.host in _EVERYWHERE else address}:{service.port}/"


def probe_parts(active: Running) -> Iterator[dict[str, Any]]:
    results: tuple[tuple[str, ProbeResult | None], ...] = (
        ("readiness", active.process.readiness),
        ("liveness", active.process.liveness),
    )
    for name, result in results:
        if result:
            latency, at = duration(result.latency), instant(result.at)
            yield {"name": name, "url": result.url, "code": result.code, "latency": latency, "time": at}


def environment_part(active: Running | None, facts: Facts) -> dict[str, Any] | None:
    known = facts.environment
    if active is None or known is None:
        return None
    return {"python": known.python, "lock": known.lock, "venv": active.release.venv, "packages": known.packages}


def ssh_part(ssh: Ssh) -> dict[str, Any]:
    return {
        "passwordAuthentication": ssh.password_authentication,
        "keyboardInteractiveAuthentication": ssh.keyboard_interactive_authentication,
        "publickeyAuthentication": ssh.publickey_authentication,
        "authorizedKeys": None if ssh.authorized_keys is None else list(ssh.authorized_keys),
        "weak": None if ssh.weak is None else list(ssh.weak),
        "message": ssh.message or None,
        "checked": instant(ssh.checked),
    }


def machine_part(machine: Machine) -> dict[str, Any]:
    return {
        "sandbox": machine.sandbox,
        "memoryMax": machine.memory_max,
        "cpu": machine.cpu,
        "cores": machine.cores,
        "memoryBytes": machine.memory,
        "message": machine.message or None,
    }


def agent_part(facts: Facts) -> dict[str, Any]:
    agent = facts.agent
    return {
        "version": agent.version,
        "revision": agent.revision,
        "startTime": instant(agent.start_time) if agent.start_time else None,
        "rssBytes": agent.rss,
    }
