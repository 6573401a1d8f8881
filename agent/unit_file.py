"""A unit in systemd's own format (systemd.syntax(7)): the drop-ins that make a template instance this one release.

The values come from a file that anybody who can push may write: each is escaped so that it stays one value.
"""

from __future__ import annotations

from datetime import timedelta

from .launcher import EX_PORT_IN_USE
from .unit import Address, Unit

SOCKET = "gitops-app.socket"
WAKE = "gitops-app-wake.service"
_WRITTEN = "# Written by gitops-vm. A change made here is undone; what is wanted is declared in git.\n"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\t": "\\t", "%": "%%"})


def drop_in(unit: Unit) -> str:
    """`gitops-app@<release>.service.d/release.conf`. Raises ValueError for a control character in a value."""
    lines = [
        "[Unit]",
        f"Description={_plain(unit.description)}",
        "[Service]",
        f"WorkingDirectory={_directory(unit.cwd)}",
        *(f"Environment={_quoted(f'{name}={value}')}" for name, value in unit.env.items()),
        f"EnvironmentFile=-{_plain(unit.env_file)}",
        f"ExecStart=:{_command(unit.argv)}",
        f"TimeoutStartSec={_span(unit.start_timeout)}",
        f"TimeoutStopSec={_span(unit.stop_timeout)}",
        *(["Type=notify"] if unit.notify else []),
        *([f"WatchdogSec={_span(unit.watchdog)}"] if unit.watchdog else []),
        *(_behind_the_socket(unit) if unit.listen else []),
    ]
    return _WRITTEN + "\n".join(lines) + "\n"


def _behind_the_socket(unit: Unit) -> list[str]:
    """What answers visitors while nothing else does (WAKE) is gone before a program takes its socket, and woken by a crash:

    they wait for a restart, but not through many, and the socket wakes nobody while a release waits for its restart.
    """
    first = [] if unit.launched else [f"ExecStartPre=-systemctl --user stop {WAKE}"]
    # A stop that was asked for has a job of its own; without one, the program has ended by itself, well or not.
    job = "job=$$(systemctl --user show --property=Job --value %n)"
    asked = f'{job}; [ "$$SERVICE_RESULT" = success ] && [ "$${{job:-0}}" != 0 ]'
    wake = f"ExecStopPost=-/bin/sh -c '{asked} || exec systemctl --user --no-block start {WAKE}'"
    # One that wants a port which is in use is started again when the agent has seen why: not beside whoever has it.
    once = [f"RestartPreventExitStatus={EX_PORT_IN_USE}"] if unit.launched else []
    return [f"Sockets={SOCKET}", *once, *first, wake]


def listen_drop_in(address: Address) -> str:
    """`gitops-app.socket.d/listen.conf`: the port that is held while releases come and go."""
    return f"{_WRITTEN}[Socket]\nListenStream={address}\n"


def _command(argv: tuple[str, ...]) -> str:
    """After the prefix `:`, which leaves every `$` as it is. The program itself is never quoted; its arguments always."""
    program, *arguments = argv
    return " ".join([_plain(program), *map(_quoted, arguments)])


def _quoted(value: str) -> str:
    return f'"{_checked(value).translate(_ESCAPES)}"'


def _plain(value: str) -> str:
    """For settings that are not unquoted: only specifiers are expanded there."""
    return _checked(value).replace("%", "%%")


def _directory(path: str) -> str:
    # The last characters of a line are special (blanks are cut, a backslash takes in the next line): `/.` ends it safely.
    return _plain(path) + "/."


def _checked(value: str) -> str:
    if any(character != "\t" and (character < " " or character == "\x7f") for character in value):
        raise ValueError(f"a control character in {value!r} cannot stand in a unit file")
    return value


def _span(duration: timedelta) -> str:
    return f"{duration // timedelta(milliseconds=1)}ms"
