"""How this VM's sshd stands, looked at by the agent itself; the last look is kept on disk."""

from __future__ import annotations

import pwd
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from os import getuid
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..status.facts import Ssh
from . import authorized_keys, files, sshd
from .capabilities import Capabilities
from .sshd import Offer

LOOK = timedelta(hours=1)
"""sshd is asked so often: each time leaves a line in its log."""

SSHD_STARTED = Path("/run/sshd.pid")
"""Written whenever sshd starts or reads its configuration again (sshd_config(5), PidFile)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """`occasion`: what was true of files and processes then; once it differs, sshd may as well."""

    at: datetime
    occasion: tuple[str, ...]
    offer: Offer


_LOOK = TypeAdapter(_Look)


class Posture:
    """`cache` is the file of the last look, `machine` is machine.json."""

    def __init__(self, cache: Path, machine: Path, *, tick: Callable[[], None] | None = None) -> None:
        self._cache, self._machine, self._tick = cache, machine, tick

    def at(self, now: datetime, known: Capabilities, *, agent: datetime | None, busy: bool) -> Ssh:
        """`agent` is when the resident has started. While `busy` nothing waits for sshd: an older look will do."""
        try:
            me = pwd.getpwuid(getuid())
        except KeyError:
            return Ssh(checked=now, message=f"the user id {getuid()} has no name on this VM")
        keys, complaint = _keys(Path(me.pw_dir))
        occasion = (str(agent), *map(_stamp, (self._machine, SSHD_STARTED, *_key_files(Path(me.pw_dir)))))
        last = self._last()
        if last is None or (not busy and _is_over(last, now, occasion)):
            offer = sshd.look(me.pw_name, known.ssh_address, known.ssh_port, tick=self._tick)
            last = _Look(at=now, occasion=occasion, offer=offer)
            files.write(self._cache, _LOOK.dump_json(last))
        return Ssh(
            password_authentication=last.offer.password,
            keyboard_interactive_authentication=last.offer.keyboard_interactive,
            publickey_authentication=last.offer.publickey,
            authorized_keys=keys,
            weak=last.offer.weak,
            checked=last.at,
            message="; ".join(filter(None, (last.offer.message, complaint))),
        )

    def _last(self) -> _Look | None:
        try:
            return _LOOK.validate_json(self._cache.read_bytes())
        except (OSError, ValidationError):
            return None


def _is_over(last: _Look, now: datetime, occasion: tuple[str, ...]) -> bool:
    return last.occasion != occasion or not timedelta(0) <= now - last.at < LOOK


def _keys(home: Path) -> tuple[tuple[str, ...] | None, str]:
    """The fingerprints, or why they are not known."""
    try:
        return authorized_keys.fingerprints(home), ""
    except OSError as error:
        return None, f"{error.filename}: {error.strerror}"


def _key_files(home: Path) -> list[Path]:
    return [home / name for name in authorized_keys.FILES]


def _stamp(path: Path) -> str:
    """Another one whenever the file was written anew."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_ino}.{status.st_mtime_ns}"
