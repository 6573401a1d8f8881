"""What this VM's own sshd offers to a stranger: asked by logging in as nobody can, without a key or a password.

What is configured is not looked at: the answer is that of the sshd that runs, after every Include and Match.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic

from . import command
from .ssh_weak import KINDS, weak

LOOPBACK = "127.0.0.1"

_PATIENCE = timedelta(seconds=10)
_DEADLINE = timedelta(seconds=5)
"""Of one login; ssh itself gives up a little sooner, and says at what."""

_TRIES = 3
"""With many logins at once sshd hangs up on some before they begin (MaxStartups)."""

_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin"}
_OPTIONS = (
    "PreferredAuthentications=none",
    "BatchMode=yes",
    # Nothing secret is shown: it does not matter who answers.
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "GlobalKnownHostsFile=/dev/null",
    "IdentityFile=none",
    "IdentityAgent=none",
    "ControlPath=none",
    "ConnectTimeout=4",
)
_METHODS = re.compile(r"^debug1: Authentications that can continue: (\S*)", re.MULTILINE)
_PROPOSAL = re.compile(
    r"^debug2: peer server KEXINIT proposal\s(.*?)^debug2: first_kex_follows", re.MULTILINE | re.DOTALL
)
_OFFERED = re.compile(rf"^debug2: ({'|'.join(sorted(KINDS))})(?: ctos| stoc)?: (\S*)", re.MULTILINE)
_LET_IN = re.compile(r"^(debug1: Authentication succeeded \(none\)|Authenticated to .* using \"none\")", re.MULTILINE)
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """None is "not known", and `message` says why. `weak`: the algorithms that are, by name."""

    password: bool | None = None
    keyboard_interactive: bool | None = None
    publickey: bool | None = None
    weak: tuple[str, ...] | None = None
    message: str = ""


def look(user: str, address: str, port: int, *, tick: Callable[[], None] | None = None) -> Offer:
    """What is offered to `user` at `address`, or at the loopback where nothing answers there. Takes 10 s at most."""
    end, offer = monotonic() + _PATIENCE.total_seconds(), Offer()
    for each in (*(address,) * _TRIES, LOOPBACK):
        if monotonic() + _DEADLINE.total_seconds() <= end:
            offer = _ask(user, each, port, tick)
        if offer.password is not None:
            break
    return offer


def argv(user: str, address: str, port: int) -> list[str]:
    """The login that cannot succeed.

    Bound to the address itself: one that is no longer this VM's fails here, instead of telling of another machine.
    """
    options = (*(f"-o{option}" for option in _OPTIONS), "-b", address, "-p", str(port), "-l", user)
    return ["ssh", "-vv", "-F", "none", *options, "--", address, "true"]


def _ask(user: str, address: str, port: int, tick: Callable[[], None] | None) -> Offer:
    try:
        said = command.run(argv(user, address, port), deadline=_DEADLINE, env=_ENVIRONMENT, tick=tick)
    except FileNotFoundError:
        return Offer(message="ssh is not installed: sudo apt-get install openssh-client")
    offer = read(said.stderr.decode(errors="replace"))
    return replace(offer, message=f"sshd at {address}, port {port}: {offer.message}") if offer.message else offer


def read(said: str) -> Offer:
    """Of what `ssh -vv` (OpenSSH 8.4 to 10) said of such a login."""
    said = said.replace("\r", "")
    algorithms = _algorithms(said)
    if _LET_IN.search(said):
        return Offer(password=True, weak=algorithms, message="lets in with an empty password")
    # The last word counts: a banner, which may say anything, comes before it.
    methods = _METHODS.findall(said)
    if not methods:
        return Offer(weak=algorithms, message=_complaint(said))
    offered = methods[-1].split(",")
    return Offer(
        password="password" in offered,
        keyboard_interactive="keyboard-interactive" in offered,
        publickey="publickey" in offered,
        weak=algorithms,
    )


def _algorithms(said: str) -> tuple[str, ...] | None:
    """The first proposal is the server's: nothing it sends is printed before."""
    proposal = _PROPOSAL.search(said)
    if proposal is None:
        return None
    offered: defaultdict[str, set[str]] = defaultdict(set)
    for kind, names in _OFFERED.findall(proposal[1]):
        offered[kind] |= set(names.split(","))
    return weak(offered)


def _complaint(said: str) -> str:
    """The last line that is not about how it went about it, without what the caller says itself."""
    lines = [line for line in said.splitlines() if line and not re.match(r"debug\d: |Warning: |\*\* |OpenSSH_", line)]
    return re.sub(r"^ssh: connect to host \S+ port \d+: ", "", lines[-1])[:_LONGEST] if lines else "no answer"
