"""Parts of status.json as others than the agent find them on the VM: systemctl, ss, curl, /proc, uv, sha256sum."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import yaml

from tests.vm.product import USER, Product
from tests.vm.small.deeds import DATA

HOME = f"/home/{USER}"
UNITS = f"{HOME}/.config/systemd/user"
PYTHON = f"{DATA}/venvs/{{}}/bin/python"
REQUIREMENTS = "sdnotify==0.3.2\n"
A_MOMENT = timedelta(seconds=2)
MEMORY = 0.25
"""Memory moves between two looks; by so much of it at most."""


class Span(NamedTuple):
    """Something happened between the two."""

    since: datetime
    until: datetime

    def of(self, text: str) -> str:
        """The time itself, if it lies there; the status tells whole seconds."""
        assert self.since - A_MOMENT <= datetime.fromisoformat(text) <= self.until + A_MOMENT, (text, self)
        return text


def source_yaml(product: Product) -> dict[str, Any]:
    written = yaml.safe_load(product.shell(f"cat {HOME}/.config/gitops-vm/source.yaml"))
    return {"heartbeat": "1h", **written}


def service(product: Product, told: dict[str, Any]) -> dict[str, Any]:
    (unit,) = re.findall(r"gitops-app@\S+", product.systemctl("--plain", "--no-legend", "list-units", "gitops-app@*"))
    shown = product.show(unit, "ActiveState", "MainPID", "NRestarts", "ExecMainStartTimestamp")
    (listener,) = product.shell(f"ss -Hltnp 'sport = :{product.port}'").splitlines()
    assert f"pid={shown['MainPID']}," in listener
    assert product.version()["pid"] == int(shown["MainPID"])
    return {
        "unit": unit,
        "activeState": shown["ActiveState"],
        "since": _same_time(told["since"], shown["ExecMainStartTimestamp"]),
        "port": int(re.findall(r":(\d+)\s", listener)[0]),
        "url": _url(product),
        "memoryBytes": _about(told["memoryBytes"], _resident(product, shown["MainPID"])),
        "restarts": int(shown["NRestarts"]),
    }


def _url(product: Product) -> str:
    """As git has it for the revision and mode that answer, else by the name of the VM: the small app listens on all addresses."""
    running = product.version()
    declared = yaml.safe_load(product.repo.git("show", f"{running['revision']}:desired-state.yaml"))
    of_mode: dict[str, str] = declared["modes"][running["mode"]]["service"]
    return of_mode.get("publicURL") or f"http://{source_yaml(product)['host']}:{product.port}/"


def probe(product: Product, told: dict[str, Any], recent: Span) -> dict[str, Any]:
    path = {"readiness": "/readyz", "liveness": "/healthz"}[told["name"]]
    url = f"http://127.0.0.1:{product.port}{path}"
    assert 0 <= float(told["latency"].removesuffix("s")) < 3
    return {
        "name": told["name"],
        "url": url,
        "code": int(product.shell(f"curl -sS -m 5 -o /dev/null -w '%{{http_code}}' {url}")),
        "latency": told["latency"],
        "time": recent.of(told["time"]),
    }


def environment(product: Product) -> dict[str, Any]:
    environ = product.shell(f"tr '\\0' '\\n' < /proc/{product.version()['pid']}/environ")
    (venv,) = re.findall(r"(?m)^VIRTUAL_ENV=.*/venvs/(.*)$", environ)
    python = PYTHON.format(venv)
    script = "import platform, importlib.metadata as m; print(platform.python_version(), len(list(m.distributions())))"
    version, packages = product.user(python, "-I", "-c", script).split()
    listed = product.user(f"{DATA}/agent/current/bin/uv", "pip", "list", "--quiet", "--python", python, "--format=json")
    assert len(json.loads(listed)) == int(packages)
    return {"python": version, "lock": f"sha256:{_lock()}", "venv": venv, "packages": int(packages)}


def _lock() -> str:
    """Over the kind of lock, then path and content of each of its files, each with its length before it."""
    parts = (b"requirements.txt", b"requirements.txt", REQUIREMENTS.encode())
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()


def inventory(product: Product) -> list[dict[str, str]]:
    """Every unit file of ours that is a file: links (what is enabled) are none."""
    sums = product.shell(f"cd {UNITS} && find . -type f -path './gitops-*' -exec sha256sum {{}} +")
    rows = (line.split("  ./") for line in sums.splitlines())
    return sorted(
        ({"id": f"systemd_user_{path}", "digest": f"sha256:{digest}"} for digest, path in rows),
        key=lambda each: each["id"],
    )


def agent(product: Product, told: dict[str, Any]) -> dict[str, Any]:
    shown = product.show("gitops-agent.service", "MainPID", "ExecMainStartTimestamp")
    version, _, revision = product.shell(f"basename $(readlink {DATA}/agent/current)").strip().partition("-")
    assert product.agent("version").strip() == f"gitops-vm {version} ({revision})"
    return {
        "version": version,
        "revision": revision,
        "startTime": _same_time(told["startTime"], shown["ExecMainStartTimestamp"]),
        "rssBytes": _about(told["rssBytes"], _resident(product, shown["MainPID"])),
    }


def _resident(product: Product, pid: str) -> int:
    (kilobytes,) = re.findall(r"(?m)^VmRSS:\s+(\d+) kB", product.shell(f"cat /proc/{pid}/status"))
    return int(kilobytes) * 1024


def _about(told: int, found: int) -> int:
    assert abs(told - found) <= MEMORY * found, (told, found)
    return told


def _same_time(told: str, shown: str) -> str:
    """`shown` is systemd's: Mon 2026-11-23 08:48:23 UTC."""
    found = datetime.strptime(shown, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    assert abs(datetime.fromisoformat(told) - found) <= A_MOMENT, (told, shown)
    return told
