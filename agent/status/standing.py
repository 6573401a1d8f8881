"""How sshd and the VM stand, and how one release followed another, in words: for the page and for the terminal, which make the text harmless. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..names import Revision, short

_LIMITS = ("memoryMax", "cpu", "sandbox")


def ssh_words(ssh: dict[str, Any]) -> str:
    """`keys only, 2 authorized`; `passwords are accepted: run bootstrap.py`."""
    return ", ".join(_ssh(ssh))


def _ssh(ssh: dict[str, Any]) -> Iterator[str]:
    if ssh["passwordAuthentication"] is None:
        yield "not known"
    elif ssh["passwordAuthentication"] or ssh.get("keyboardInteractiveAuthentication"):
        yield "passwords are accepted: run bootstrap.py"
    else:
        yield "keys only" if ssh.get("publickeyAuthentication", True) else "neither keys nor passwords"
    if ssh["authorizedKeys"] is not None:
        yield f"{len(ssh['authorizedKeys'])} authorized"
    if weak := ssh.get("weak"):
        yield f"{len(weak)} weak algorithm{'s' * (len(weak) > 1)} (run bootstrap.py --crypto)"
    if message := ssh.get("message"):
        yield str(message)


def machine_words(machine: dict[str, Any]) -> str:
    """`2 cores, 3.8 GiB, memoryMax is not enforced on this VM`."""
    return ", ".join(_machine(machine))


def _machine(machine: dict[str, Any]) -> Iterator[str]:
    if machine["cores"]:
        yield f"{machine['cores']} core{'s' * (machine['cores'] > 1)}"
    if machine["memoryBytes"]:
        yield f"{machine['memoryBytes'] / 1024**3:.1f} GiB"
    if held := [name for name in _LIMITS if machine[name]]:
        yield f"enforces {' '.join(held)}"
    for name in _LIMITS:
        if machine[name] is False:
            yield f"{name} is not enforced on this VM"
    if machine["message"]:
        yield machine["message"]


def strategy_words(entry: dict[str, Any]) -> str:
    """`restart: two copies do not fit`; empty where it is not known, as of entries of older agents."""
    return ": ".join(filter(None, (entry.get("strategy"), entry.get("strategyReason"))))


def rollout_words(rollout: dict[str, Any], age: str) -> str:
    """`main@sha1:b81c2d6f building for 12s: Resolved 71 packages`."""
    return f"{short(Revision(rollout['revision']))} {rollout['phase']} for {age}: {rollout['message']}"


def outage_words(entry: dict[str, Any]) -> str:
    """`0.2s to 1.2s, visitors waited`; empty where there was none."""
    outage = entry.get("outage")
    if not outage:
        return ""
    waited = ", visitors waited" if outage["visitors"] == "waited" else ""
    return f"{outage['atLeast']} to {outage['atMost']}{waited}"
