"""`bootstrap.py local --demo` as a person runs it: started, read, pushed to, ended with a signal."""

from __future__ import annotations

import os
import re
import secrets
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import requests

from tests.process import Background
from tests.waiting import wait_for

CHECKOUT = Path(__file__).resolve().parents[1]
NOT_YET = (requests.RequestException,)


class Demo:
    """`directory` is the demo's own; nobody's token and nobody's name in git are known to it."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self.log = directory.with_name(f"{directory.name}-{secrets.token_hex(4)}.log")
        mine = {
            name: value for name, value in os.environ.items() if not re.match("HF_|HUGGING|GIT_(AUTHOR|COMM)", name)
        }
        environ = {**mine, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        words = (sys.executable, CHECKOUT / "bootstrap.py", "local", "--demo", "--directory", directory, *arguments)
        self.process = Background(*words, log=self.log, env=environ)

    @property
    def text(self) -> str:
        return self.log.read_text()

    def said(self, word: str) -> str:
        """The rest of the line that begins with the word; empty until it is there."""
        match = re.search(rf"(?m)^{word} (.+)$", self.text)
        return match[1] if match else ""

    def wait_until_ready(self, within: timedelta) -> None:
        def ready() -> bool:
            if not self.process.running:
                raise AssertionError(f"the demo ended:\n{self.text}")
            return "\nCtrl-C ends it" in self.text

        try:
            wait_for(ready, "the demo's lines", within=within)
        except TimeoutError as error:
            error.add_note(self.text)
            raise

    def version(self) -> dict[str, Any]:
        """What /version says now."""
        document: dict[str, Any] = requests.get(f"{self.said('app')}version", timeout=5).json()
        return document

    def wait_for_version(self, within: timedelta, **wanted: str) -> dict[str, Any]:
        """Until /version says all of it; what it says then."""

        def said() -> dict[str, Any] | None:
            version = self.version()
            return version if wanted.items() <= version.items() else None

        try:
            return wait_for(said, f"/version to say {wanted}", within=within, unless=NOT_YET)
        except TimeoutError as error:
            error.add_note(self.text)
            raise

    def end(self, sign: signal.Signals) -> int:
        """Its exit status after the signal."""
        os.kill(self.process.pid, sign)
        return self.process.wait(timedelta(seconds=60))

    def processes(self) -> dict[int, str]:
        """The command lines on this machine that name something in the demo's directory, whoever their parents are."""
        everyone = {int(entry.name): _words(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
        return {pid: words for pid, words in everyone.items() if f"{self.directory}/" in words}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.running:
            self.end(signal.SIGTERM)
        self.process.stop()


def _words(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
