"""`--on VM`: the same verb, run by the VM's own gitops-vm."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import Broken, Reason
from ..host import command
from ..reach import Access, reach
from . import Misuse
from .fleet import fleet

if TYPE_CHECKING:
    from .verbs import Call

_OPTIONS = {"--on", "-p", "--port", "-i", "--identity", "--vms"}
_SSH_FAILED = 255
REMOTE = ".local/bin/gitops-vm"


def run(call: Call) -> int:
    """Hand the verb to ssh, with this terminal. The exit code is the verb's own; 1 when ssh itself failed."""
    access = _access(call)
    options = ["-t"] if call.terminal.colours else []
    if access.port:
        options += ["-p", str(access.port)]
    if access.identity:
        options += ["-i", access.identity, "-o", "IdentitiesOnly=yes"]
    words = shlex.join([REMOTE, *_without_options(call.arguments)])
    code = command.attach(["ssh", "-o", "ConnectTimeout=10", *options, "--", access.target, words])
    if code == _SSH_FAILED:
        raise Broken(
            Reason.SERVICE_MANAGER_FAILED,
            f"ssh to {access.target} failed{_stray(call)}",
            hint=f"try: ssh {shlex.join([*options, access.target])} true",
        )
    return code


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
