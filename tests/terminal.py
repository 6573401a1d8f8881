"""A program at a terminal of its own: what it asks there is answered as soon as it is asked."""

from __future__ import annotations

import os
import pty
import select
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.process import MINUTE
from tests.waiting import wait_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How it ended, and all that the terminal showed: what is typed there too, unless echoing was off."""

    code: int
    text: str


def at_a_terminal(
    *argv: str | Path, answers: Mapping[str, str], env: Mapping[str, str], cwd: Path, within: timedelta = MINUTE
) -> Shown:
    """To the end. `answers`: what is typed, with Enter, whenever these words were shown once more."""
    child, terminal = pty.fork()
    if child == 0:
        _become([str(word) for word in argv], env, cwd)
    screen = _Screen(terminal, answers)
    try:
        wait_for(screen.over, f"the end of what is asked; so far: {screen.shown!r}", within=within)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.close(terminal)
        _, status = os.waitpid(child, 0)
    return Shown(code=os.waitstatus_to_exitcode(status), text=screen.text)


def _become(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
    """Never back into the tests: this is a copy of them."""
    try:
        os.chdir(cwd)
        os.execvpe(argv[0], argv, {**env, "TERM": "xterm"})  # noqa: S606
    finally:
        os._exit(127)


class _Screen:
    def __init__(self, terminal: int, answers: Mapping[str, str]) -> None:
        self.shown = bytearray()
        self._terminal, self._answers = terminal, answers
        self._given: Counter[str] = Counter()

    @property
    def text(self) -> str:
        return self.shown.decode(errors="replace")

    def over(self) -> bool:
        """Whether the other side is gone."""
        readable, _, _ = select.select([self._terminal], [], [], 0.1)
        try:
            self.shown.extend(os.read(self._terminal, 4096) if readable else b"")
        except OSError:  # Linux says EIO once it is
            return True
        for words, typed in self._answers.items():
            if self.text.count(words) > self._given[words]:
                self._given[words] += 1
                os.write(self._terminal, typed.encode() + b"\n")
        return False
