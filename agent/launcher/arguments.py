"""argv -> Arguments. It is written by the agent; people meet it when they start a release by hand."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from .endings import Refused

KINDS = ("gradio", "asgi", "wsgi", "exec")
EXAMPLE = """example:
  systemd-socket-activate -l 8080 python launcher --release 1 --current current --private /tmp/private --grace 30 asgi main:app
"""


@dataclass(frozen=True, kw_only=True)
class Arguments:
    release: str
    current: Path  # the link that names the release which accepts by itself
    private: Path  # of this release's sockets, made (0700) where it is missing; its neighbours' lie beside it
    grace: timedelta  # from SIGTERM to SIGKILL
    kind: str
    words: tuple[str, ...]  # the program and its arguments; of any other kind the target alone
    notify: bool  # exec: it says READY=1 itself

    @property
    def target(self) -> str:
        return self.words[0]


def read(argv: Sequence[str]) -> Arguments:
    """Raises Refused where they cannot be meant; SystemExit(0) after --help."""
    parser = _Parser(
        prog="launcher", epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--release", required=True, metavar="ID", help="the id of this release")
    parser.add_argument("--current", required=True, metavar="LINK", type=Path, help="names the release that accepts")
    parser.add_argument("--private", required=True, metavar="DIRECTORY", type=Path, help="where its own sockets lie")
    parser.add_argument("--grace", required=True, metavar="SECONDS", type=_seconds, help="how long a stop may take")
    parser.add_argument("--notify", action="store_true", help="exec: wait for its READY=1 (sd_notify)")
    parser.add_argument("kind", metavar="KIND", choices=KINDS, help=" | ".join(KINDS))
    target = "app.py (gradio), module:name or module:factory() (asgi, wsgi), PROGRAM ARGUMENT... (exec)"
    parser.add_argument("words", metavar="TARGET", nargs=argparse.REMAINDER, help=target)
    given = vars(parser.parse_args(argv))
    words = tuple(given.pop("words"))
    if not words or (len(words) > 1 and given["kind"] != "exec"):
        parser.error(f"{given['kind']}: {'one target is wanted' if words else 'the target is missing'}")
    return Arguments(**given, words=words)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(message)


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=float(text))
