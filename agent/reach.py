"""Which VM somebody means, and how ssh gets there: what is typed, the environment, vms.ini, in this order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .vms import MOST_PORTS, VM, is_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What ssh is told. Empty or None leaves it to ssh's own configuration."""

    host: str
    user: str = ""
    port: int | None = None
    identity: str = ""

    @property
    def target(self) -> str:
        return f"{self.user}@{self.host}" if self.user else self.host


def reach(given: Access, environ: Mapping[str, str], vms: Mapping[str, VM]) -> Access:
    """How to reach a VM: what is `given` beats GITOPS_VM_HOST, _PORT, _USER and _IDENTITY, and those beat the file.

    `given.host` is a section or a host as ssh knows it, perhaps with USER@ before it, or empty: then GITOPS_VM_HOST says
    it, or the file when it has one VM only. Raises ValueError with what to type.
    """
    target = given.host or environ.get("GITOPS_VM_HOST") or (next(iter(vms)) if len(vms) == 1 else "")
    user, _, host = target.rpartition("@")
    if not host or target.startswith("-"):
        names = f" ({', '.join(vms)})" if vms else ""
        raise ValueError(
            f"on which VM? write --on USER@HOST, or --on NAME of a VM in vms.ini{names}, or set GITOPS_VM_HOST"
        )
    vm = vms.get(host, VM(section=host, name=host))
    port = environ.get("GITOPS_VM_PORT", "")
    if port and not is_port(port):
        raise ValueError(f"GITOPS_VM_PORT is no port: write a number from 1 to {MOST_PORTS}")
    return Access(
        host=vm.host or host,
        user=user or environ.get("GITOPS_VM_USER", "") or vm.user,
        port=given.port or (int(port) if port else vm.port),
        identity=given.identity or environ.get("GITOPS_VM_IDENTITY", "") or vm.identity,
    )
