"""`systemctl --user`, with a deadline, a fixed language and errors that say what to type."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from ..errors import Broken, Reason
from . import command

DEADLINE = timedelta(seconds=20)
_UNREACHABLE = ("Failed to connect to", "No medium found", "not been booted")


class Systemctl:
    """The user manager of this user. Everything raises Broken where it cannot be reached."""

    def __init__(self, environ: Mapping[str, str], tick: Callable[[], None]) -> None:
        self._tick = tick
        self._user = environ.get("USER") or str(os.getuid())
        self._env = {
            "PATH": environ.get("PATH", os.defpath),
            "XDG_RUNTIME_DIR": environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "SYSTEMD_PAGER": "",
        }

    def do(self, verb: str, *units: str, options: Sequence[str] = (), deadline: timedelta = DEADLINE) -> None:
        """Raises Broken with what systemctl said where it fails."""
        result = self.run("systemctl", verb, *options, "--", *units, deadline=deadline)
        if not result.ok:
            said = result.complaint or f"exit {result.code}"
            why = f"not done within {deadline.total_seconds():g} s" if result.timed_out else said
            hint = f"systemctl --user status {units[0]}" if units else "systemctl --user status"
            raise Broken(Reason.SERVICE_MANAGER_FAILED, f"systemctl --user {verb} {' '.join(units)}: {why}", hint=hint)

    def show(self, *units: str, properties: Sequence[str]) -> list[dict[str, str]]:
        """The properties of each unit; a pattern stands for the loaded ones. Instants in UTC, to the microsecond."""
        result = self.run("systemctl", "show", "--timestamp=us", f"--property={','.join(properties)}", "--", *units)
        if not result.ok:
            raise Broken(Reason.SERVICE_MANAGER_FAILED, f"systemctl --user show: {result.complaint}")
        return list(_blocks(result.text))

    def run(self, program: str, *arguments: str, deadline: timedelta = DEADLINE) -> command.Result:
        """Either systemctl or journalctl, of the user. Does not look at how it ended."""
        asking = ("--no-ask-password",) if program == "systemctl" else ()
        argv = (program, "--user", "--no-pager", *asking, *arguments)
        try:
            result = command.run(argv, deadline=deadline, env=self._env, tick=self._tick)
        except FileNotFoundError as error:
            raise Broken(Reason.SERVICE_MANAGER_FAILED, f"there is no {program} on this machine") from error
        if any(sign in result.complaint for sign in _UNREACHABLE):
            hint = f"sudo loginctl enable-linger {self._user}"
            raise Broken(
                Reason.SERVICE_MANAGER_FAILED, f"systemd does not answer this user: {result.complaint}", hint=hint
            )
        return result


def _blocks(text: str) -> Iterator[dict[str, str]]:
    for block in text.strip().split("\n\n"):
        if block:
            # Not splitlines(): a StatusText is a program's own, and may hold what Python takes for the end of a line.
            yield {name: value for name, _, value in (line.partition("=") for line in block.split("\n"))}
