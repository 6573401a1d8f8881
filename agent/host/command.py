"""Run a program. The one module that starts processes: each has a deadline and a process group of its own."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import IO

TICK = timedelta(seconds=1)
GRACE = timedelta(seconds=2)
CAP = 16 * 1024 * 1024  # bytes kept of each stream

Popen = subprocess.Popen[bytes]
PIPE = subprocess.PIPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How it ended. `code` is negative for a signal, as in subprocess; `timed_out` when the deadline ended it."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        return self.code == 0 and not self.timed_out

    @property
    def text(self) -> str:
        return self.stdout.decode(errors="replace")

    @property
    def complaint(self) -> str:
        """What it said of its failure: standard error, cut to its last 2,000 characters."""
        return self.stderr.decode(errors="replace").strip()[-2000:]


def run(
    argv: Sequence[str],
    *,
    deadline: timedelta,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
    tick: Callable[[], None] | None = None,
    hear: Callable[[bytes], None] | None = None,
) -> Result:
    """Run to the end or to the deadline, then the whole process group is killed. `env` replaces the environment.

    `tick` is called about once a second while it runs: it is how a long step shows that its own deadline still runs.
    `hear` is given standard error as it comes, in pieces.
    Raises FileNotFoundError when there is no such program.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        process_group=0,
    )
    try:
        output, timed_out = _pump(process, stdin, monotonic() + deadline.total_seconds(), tick, hear)
    finally:
        kill_group(process)
    return Result(
        argv=tuple(argv),
        code=process.returncode,
        stdout=bytes(output["stdout"]),
        stderr=bytes(output["stderr"]),
        timed_out=timed_out,
    )


def _pump(
    process: Popen, stdin: bytes, end: float, tick: Callable[[], None] | None, hear: Callable[[bytes], None] | None
) -> tuple[dict[str, bytearray], bool]:
    """Feed and drain its pipes until it ends, or until `end` (monotonic seconds): then True is returned with the output.

    A child of its own that stays (ssh's ControlPersist) may keep the pipes open; its end is what counts, not theirs.
    """
    output = {"stdout": bytearray(), "stderr": bytearray()}
    pending, ended = memoryview(stdin), False
    with selectors.DefaultSelector() as selector, _exit_of(process) as exit_fd:
        selector.register(exit_fd, selectors.EVENT_READ, "exit")
        _register(process, selector, output)
        while (left := end - monotonic()) > 0:
            ready = selector.select(0 if ended else min(left, TICK.total_seconds()))
            if ended and not ready:
                return output, False
            for key, _ in ready:
                if key.data == "exit":
                    ended = True
                    selector.unregister(key.fileobj)
                elif key.data == "stdin":
                    pending = _feed(key.fileobj, pending, selector)  # type: ignore[arg-type]
                else:
                    chunk = _drain(key.fileobj, output[key.data], selector)  # type: ignore[arg-type]
                    if hear and key.data == "stderr":
                        hear(chunk)
            if tick:
                tick()
    return output, True


@contextmanager
def _exit_of(process: Popen) -> Iterator[int]:
    """A descriptor that becomes readable when the process ends."""
    descriptor = os.pidfd_open(process.pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _register(process: Popen, selector: selectors.BaseSelector, output: Mapping[str, bytearray]) -> None:
    for name in output:
        stream = getattr(process, name)
        os.set_blocking(stream.fileno(), False)
        selector.register(stream, selectors.EVENT_READ, name)
    if process.stdin:
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE, "stdin")


def _feed(stream: IO[bytes], pending: memoryview, selector: selectors.BaseSelector) -> memoryview:
    try:
        pending = pending[os.write(stream.fileno(), pending[:65536]) :]
    except BrokenPipeError:
        pending = pending[:0]
    if not pending:
        selector.unregister(stream)
        stream.close()
    return pending


def _drain(stream: IO[bytes], into: bytearray, selector: selectors.BaseSelector) -> bytes:
    chunk = os.read(stream.fileno(), 65536)
    if not chunk:
        selector.unregister(stream)
    into += chunk[: CAP - len(into)]
    return chunk


def spawn(argv: Sequence[str], *, env: Mapping[str, str], stdout: int | None = None, cwd: Path | None = None) -> Popen:
    """Start a program in a session of its own and return at once; it inherits standard error. `kill_session` ends it."""
    return subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=stdout, env=dict(env), cwd=cwd, start_new_session=True
    )


def spawn_free(argv: Sequence[str], *, env: Mapping[str, str], log: Path, keeps: int) -> None:
    """Start a program that outlives this one, in a session of its own. It inherits `keeps`, and both its streams go to `log`.

    Nobody here waits for it.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env),
            pass_fds=(keeps,),
            start_new_session=True,
        )
    process.returncode = 0  # else Popen complains of a child that nobody waits for


def kill_group(process: Popen, grace: timedelta = GRACE) -> None:
    """End what is left of its process group: SIGTERM, after `grace` SIGKILL. Closes its pipes."""
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace.total_seconds())
    _signal_group(process, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def kill_session(process: Popen) -> None:
    """End a program that `spawn` started, and what it ran in process groups of their own; daemons have left its session."""
    members = [pid for pid in _pids() if _session_of(pid) == process.pid]
    kill_group(process)
    for pid in members:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _session_of(pid: int) -> int | None:
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(pid)
    return None


def _signal_group(process: Popen, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def attach(argv: Sequence[str]) -> int:
    """Run with this process's own terminal and no deadline, for a person who can press Ctrl-C. Returns its exit code."""
    return subprocess.call(argv)
