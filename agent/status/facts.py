"""What a report does not know and the status shows: facts about the VM and the agent, gathered by the host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """The resident daemon. `rss` in bytes; None where it cannot be read."""

    version: str
    revision: str | None
    start_time: datetime | None
    rss: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Of the release that runs. `lock` is `sha256:<64 hex>`, `packages` how many are installed."""

    python: str
    lock: str | None
    packages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ssh:
    """What this VM's sshd offers to the agent's user. None is "not known", and `message` says why; never a guess.

    `authorized_keys` are fingerprints (SHA256:...), `weak` the names of algorithms that ssh-audit marks [fail].
    """

    checked: datetime
    password_authentication: bool | None = None
    keyboard_interactive_authentication: bool | None = None
    publickey_authentication: bool | None = None
    authorized_keys: tuple[str, ...] | None = None
    weak: tuple[str, ...] | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Whether limits and sandboxes of this user's services hold on this VM, and its size (memory in bytes).

    None is "not known", and `message` says why nothing is.
    """

    sandbox: bool | None = None
    memory_max: bool | None = None
    cpu: bool | None = None
    cores: int | None = None
    memory: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file the agent keeps on this VM. `digest` is `sha256:<64 hex>`."""

    id: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`handled` is the last `gitops-vm reconcile` request that a pass has answered."""

    host: str
    heartbeat: timedelta
    agent: Agent
    environment: Environment | None = None
    ssh: Ssh | None = None
    machine: Machine | None = None
    inventory: tuple[Item, ...] = ()
    handled: datetime | None = None
