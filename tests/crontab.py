"""Somebody who looks after VMs from elsewhere: a home, a crontab, and two chats to be told in."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.chats import CANARY, Chats
from tests.localvm import ROOT
from tests.process import Failed, run


@dataclass
class Run:
    code: int
    out: str
    err: str

    @property
    def looks(self) -> Any:
        return json.loads(self.out)


class Operator:
    """Somebody's crontab: each call is a process of its own in the same home."""

    def __init__(self, home: Path, chats: Chats, access: Mapping[str, str]) -> None:
        """`access` is what git needs in its environment to be let in."""
        self.home, self.chats = home, chats
        home.mkdir()
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), **access}
        self.environ |= chats.settings
        self.memory = home / ".local/state/gitops-vm/watch"

    def watch(self, *words: str, **environ: str) -> Run:
        return self.call("watch", "--attempts", "1", *words, **environ)

    def call(self, *words: str, through: tuple[str, ...] = (), **environ: str) -> Run:
        """`gitops-vm WORDS`, started by the program `through`."""
        argv = (*through, sys.executable, "-m", "agent", *words)
        try:
            said = Run(0, run(*argv, env={**self.environ, **environ}, cwd=self.home), "")
        except Failed as failed:
            said = Run(failed.code or 0, failed.out, failed.err)
        assert "Traceback" not in said.err
        assert CANARY not in said.out + said.err + self._disk()
        return said

    def _disk(self) -> str:
        return "".join(path.read_text() for path in self.home.rglob("*") if path.is_file() and path.suffix != ".env")

    def told(self) -> list[list[str]]:
        """The first line of each message, on each channel."""
        return [[text.splitlines()[0] for text in self.chats.heard(name)] for name in ("slack", "telegram")]

    def later(self) -> None:
        """A cool-down has passed: what is remembered is an hour older."""
        for path in self.memory.glob("*.json"):
            known = json.loads(path.read_text())
            for each in known["told"].values():
                each["at"] = [str(datetime.fromisoformat(at) - timedelta(hours=1)) for at in each["at"]]
            known["since"] = str(datetime.fromisoformat(known["since"]) - timedelta(hours=1))
            path.write_text(json.dumps(known))
