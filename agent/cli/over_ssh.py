"""`--on VM`: the same verb, run by the VM's own gitops-vm."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Broken, Reason
from ..host import command
from ..reach import Access, reach
from . import Misuse
from .fleet import fleet

if TYPE_CHECKING:
    from .verbs import Call

_OPTIONS = {"--on", "-p", "--port", "-i", "--identity", "--vms"}
_SSH_FAILED, _NOT_FOUND = 255, 127  # ssh(1), and what a shell says of a program that is not there
REMOTE = ".local/bin/gitops-vm"
PINNED = Path(".config", "gitops-vm", "known_hosts")
"""Below the home: where bootstrap.py writes host keys, on this machine."""


def run(call: Call) -> int:
    """Hand the verb to ssh, with this terminal. The exit code is the verb's own; Broken when it was not reached."""
    access = _access(call)
    words = shlex.join([REMOTE, *_without_options(call.arguments)])
    try:
        options = _options(call, access)
        code = command.attach(["ssh", "-o", "ConnectTimeout=10", *options, "--", access.target, words])
    except FileNotFoundError:
        raise _unreached("ssh is not installed here", "type: sudo apt-get install openssh-client") from None
    if code == _SSH_FAILED:
        hint = f"try: ssh {shlex.join([*options, access.target])} true"
        raise _unreached(f"ssh to {access.target} failed{_stray(call)}", hint)
    if code == _NOT_FOUND:
        hint = f"type, in a checkout of gitops-vm: {_installing(call, access)}"
        raise _unreached(f"{access.target} has no {REMOTE}: the agent is not installed there", hint)
    return code


def _unreached(message: str, hint: str) -> Broken:
    return Broken(Reason.AGENT_UNREACHABLE, message, hint=hint)


def _options(call: Call, access: Access) -> list[str]:
    options = ["-t"] if call.terminal.colours else []
    if access.port:
        options += ["-p", str(access.port)]
    if access.identity:
        options += ["-i", access.identity, "-o", "IdentitiesOnly=yes"]
    pinned = Path(call.environ.get("HOME", "/")) / PINNED
    return options + _known(pinned, [*options, "--", access.target])


def _known(ours: Path, way: Sequence[str]) -> list[str]:
    """The option that adds the host keys bootstrap.py was given a fingerprint for to those that ssh knows itself."""
    if not ours.exists():
        return []
    resolved = command.run(["ssh", "-G", *way], deadline=timedelta(seconds=10)).text
    found = re.search(r"^userknownhostsfile (.*)$", resolved, re.MULTILINE)
    theirs = found[1].split() if found else ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]
    files = [*(file for file in theirs if file != "none"), f'"{ours}"']  # ssh splits the option at spaces
    return ["-o", f"UserKnownHostsFile={' '.join(files)}"]


def _installing(call: Call, access: Access) -> str:
    """The line that puts the agent onto this VM."""
    name = call.options.on if call.options.on in fleet(call) else access.target
    port = ["-p", str(access.port)] if access.port else []
    identity = ["-i", access.identity] if access.identity else []
    return shlex.join(["python3", "bootstrap.py", name, *port, *identity])


def _access(call: Call) -> Access:
    given = Access(host=call.options.on, port=call.options.port, identity=call.options.identity)
    try:
        return reach(given, call.environ, fleet(call))
    except ValueError as error:
        raise Misuse(str(error)) from None


def _stray(call: Call) -> str:
    """A name that vms.ini does not have was taken for a host; perhaps it was a typo."""
    vms = fleet(call)
    if not vms or call.options.on in {*vms, ""} or "@" in call.options.on:
        return ""
    return f" (vms.ini has no such VM, it has {', '.join(vms)})"


def _without_options(arguments: Sequence[str]) -> list[str]:
    """The verb and its own options: what is left when ours are taken away from before the verb."""
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        rest = rest[2 if rest[0] in _OPTIONS else 1 :]  # one that holds its value, --port=22 or -p22, is one word
    return rest
