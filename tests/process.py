"""Programs the tests start: `run` for those that end, `Background` for those that stay. Nothing outlives its deadline."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess  # noqa: TID251 - the one importer among the tests, as agent/host/command.py is in the product
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from tests.waiting import wait_for

MINUTE = timedelta(minutes=1)


class Failed(Exception):  # noqa: N818 - `with raises(Failed)` reads as it is meant
    """A program ended badly, or not in time (`code` is None then)."""

    def __init__(self, argv: tuple[str, ...], code: int | None, out: str, err: str) -> None:
        how = "did not end in time" if code is None else f"exit {code}"
        super().__init__(f"{shorten(shlex.join(argv))}: {how}\n{out[-2000:]}{err[-2000:]}")
        self.code, self.out, self.err = code, out, err


def shorten(text: str) -> str:
    """Its two ends: of a long command line they say the program and what it was asked."""
    return text if len(text) <= 300 else f"{text[:80]} ... {text[-200:]}"


def run(
    *argv: str | Path,
    given: str | bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    within: timedelta = MINUTE,
) -> str:
    """What the program printed. Failed when it exits other than 0, or when `within` is over and its group was killed."""
    return run_bytes(*argv, given=given, env=env, cwd=cwd, within=within).decode(errors="replace")


def run_bytes(
    *argv: str | Path,
    given: str | bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    within: timedelta = MINUTE,
) -> bytes:
    words = tuple(map(str, argv))
    pipe = subprocess.PIPE
    stdin = given.encode() if isinstance(given, str) else given
    with subprocess.Popen(
        words, stdin=pipe, stdout=pipe, stderr=pipe, env=env, cwd=cwd, start_new_session=True
    ) as process:
        try:
            out, err = process.communicate(stdin, within.total_seconds())
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise Failed(words, None, out.decode(errors="replace"), err.decode(errors="replace")) from None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise Failed(words, process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
    return out


class Background:
    """A program that stays until `stop`; both its streams go to `log`. It has a session of its own: Ctrl-C passes it by."""

    def __init__(
        self,
        *argv: str | Path,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                tuple(map(str, argv)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                pass_fds=pass_fds,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self, grace: timedelta = timedelta(seconds=5)) -> None:
        """End it and everything it started, by pid; SIGKILL for what is left after `grace`."""
        family = [self.pid, *descendants(self.pid)] if self.running else []
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for pid in family:
                _kill(pid, sign)
            try:
                wait_for(lambda: not any(map(self._alive, family)), f"the end of processes {family}", within=grace)
            except TimeoutError:
                continue
            break
        self._process.wait(grace.total_seconds())

    def wait(self, within: timedelta) -> int:
        """Its exit status; TimeoutError when it is still there after `within`."""
        try:
            return self._process.wait(within.total_seconds())
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"process {self.pid} is still running after {within}") from None

    def _alive(self, pid: int) -> bool:
        return self.running if pid == self.pid else is_alive(pid)


def is_alive(pid: int) -> bool:
    """Whether the process exists and has not ended (a zombie has)."""
    return _stat(pid)[:1] not in ([], ["Z"])


def parent(pid: int) -> int:
    """The pid of its parent; 0 when it is gone."""
    return int((_stat(pid) or ["", "0"])[1])


def started(pid: int) -> str:
    """Its start time in clock ticks: with the pid it names one process for as long as the host is up. Empty when gone."""
    return (_stat(pid) or [""] * 20)[19]


def descendants(pid: int) -> list[int]:
    """Its children, their children and so on, as /proc shows them now."""
    everyone = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    parents = {each: parent(each) for each in everyone}
    found = [pid]
    for ancestor in found:
        found.extend(each for each in everyone if parents[each] == ancestor)
    return found[1:]


def _stat(pid: int) -> list[str]:
    """proc(5), the fields of /proc/PID/stat from the third (state) on; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _kill(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return
