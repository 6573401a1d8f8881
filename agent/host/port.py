"""Who is in the way on a port."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..errors import Broken, Reason
from . import proc


def stranger(port: int, ours: Callable[[], Iterable[int]]) -> str:
    """Who else listens on the port, for people to read; empty where nobody does. `ours`: main processes, each with a

    session of its own; they are asked for once the listener is known, so that one that has just been restarted is
    found among them. One of ours gives its port up when it is stopped.
    """
    sockets = proc.listening(port)
    owner = proc.holder(sockets) if sockets else None
    if owner:
        known = {proc.session(pid) for pid in ours()} | {None}  # of one that is gone by now
        return "" if proc.session(owner) in known else f"process {owner} ({proc.name(owner)})"
    return "a process of another user" if sockets & proc.listening(port) else ""


def refuse(port: int, who: str) -> None:
    """Raises Broken if there is a stranger: it is never killed."""
    if who:
        hint = f"stop it, or see: ss -ltnp 'sport = :{port}'"
        raise Broken(Reason.PORT_IN_USE, f"port {port} is held by {who}", hint=hint)
