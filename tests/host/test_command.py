from __future__ import annotations

import os
import sys
import threading
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from time import monotonic

import pytest

from agent.host import command
from tests.process import is_alive
from tests.waiting import wait_for

SOON = timedelta(seconds=20)


def sh(script: str, *, deadline: timedelta = SOON, **more) -> command.Result:
    return command.run(["sh", "-c", script], deadline=deadline, **more)


def test_both_streams_and_the_exit_code_are_told() -> None:
    result = sh("echo out; echo err >&2; exit 3")
    assert (result.stdout, result.stderr, result.code, result.ok) == (b"out\n", b"err\n", 3, False)
    assert (result.text, result.complaint) == ("out\n", "err")


def test_success_is_ok() -> None:
    assert sh("true").ok


def test_a_signal_is_told_as_a_negative_code() -> None:
    assert sh("kill -9 $$").code == -9


def test_the_environment_is_replaced_not_extended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "s3cr3t")
    assert sh("echo $SECRET$ONLY", env={"ONLY": "this"}).text == "this\n"
    assert sh("echo $SECRET").text == "s3cr3t\n"


def test_it_runs_where_it_is_told(tmp_path: Path) -> None:
    assert sh("pwd -P", cwd=tmp_path).text.strip() == str(tmp_path.resolve())


def test_without_input_there_is_nothing_to_read() -> None:
    assert sh("cat; echo end").text == "end\n"


def test_more_input_and_output_than_a_pipe_holds_does_not_block() -> None:
    data = os.urandom(3_000_000)
    assert sh("cat", stdin=data).stdout == data


def test_a_program_that_does_not_read_its_input_is_no_failure() -> None:
    assert sh("exec 0<&-; sleep 0.1; echo done", stdin=b"x" * 1_000_000).text == "done\n"


def test_output_beyond_the_cap_is_dropped_and_memory_stays_bounded() -> None:
    result = sh(f"head -c {command.CAP + 1_000_000} /dev/zero; echo end >&2")
    assert (len(result.stdout), result.stderr) == (command.CAP, b"end\n")


def test_a_missing_program_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        command.run(["no-such-program"], deadline=SOON)


def test_the_deadline_ends_the_whole_group(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    result = sh(f"sleep 100 & echo $! $$ > {pids}; wait", deadline=timedelta(seconds=0.5))
    assert (result.timed_out, result.ok) == (True, False)
    for pid in map(int, pids.read_text().split()):
        wait_for(lambda pid=pid: not is_alive(pid), f"the end of {pid}")


def test_who_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    result = sh(f"trap '' TERM; echo $$ > {pid}; while :; do sleep 1; done", deadline=timedelta(seconds=0.5))
    assert (result.timed_out, result.code) == (True, -9)
    assert not is_alive(int(pid.read_text()))


def test_what_was_said_before_the_deadline_is_kept() -> None:
    assert sh("echo so far; sleep 100", deadline=timedelta(seconds=0.5)).text == "so far\n"


def test_a_child_that_stays_behind_is_ended_and_not_waited_for(tmp_path: Path) -> None:
    began = monotonic()
    pid = tmp_path / "pid"
    result = sh(f"sleep 100 & echo $! > {pid}; echo done")
    assert (result.text, result.timed_out) == ("done\n", False)
    assert monotonic() - began < SOON.total_seconds()
    wait_for(lambda: not is_alive(int(pid.read_text())), "the end of the child")


def test_a_daemon_that_keeps_the_pipes_open_is_not_waited_for(tmp_path: Path) -> None:
    """As ssh's shared connection does: it has left the session."""
    pid = tmp_path / "pid"
    result = sh(
        f"setsid sh -c 'echo $$ > {pid}; exec sleep 100' & while [ ! -s {pid} ]; do sleep 0.01; done; echo done"
    )
    assert (result.text, result.timed_out) == ("done\n", False)
    stayed = int(pid.read_text())
    assert is_alive(stayed)
    os.kill(stayed, 9)


def test_a_long_step_shows_that_it_is_alive() -> None:
    ticks: list[float] = []
    sh("sleep 2.5", tick=lambda: ticks.append(monotonic()))
    assert len(ticks) >= 2
    assert max(later - earlier for earlier, later in pairwise(ticks)) < 5


def test_a_tick_that_raises_ends_the_program(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    def stop() -> None:
        if pid.exists() and pid.read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sh(f"echo $$ > {pid}; sleep 100", tick=stop)
    wait_for(lambda: not is_alive(int(pid.read_text())), "the end of the program")


def test_no_descriptor_is_left_behind() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        sh("echo x; echo y >&2", stdin=b"z")
        sh("sleep 100", deadline=timedelta(0))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_programs_run_side_by_side_from_threads() -> None:
    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(sh("sleep 0.2; echo x").text)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["x\n"] * 8


def test_a_spawned_session_ends_with_all_its_groups(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '100'], process_group=0)\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}\\n')\n"
        "time.sleep(100)\n"
    )
    process = command.spawn([sys.executable, "-c", code], env=dict(os.environ))
    wait_for(lambda: pids.exists() and pids.read_text().endswith("\n"), "both processes")
    command.kill_session(process)
    for pid in map(int, pids.read_text().split()):
        wait_for(lambda pid=pid: not is_alive(pid), f"the end of {pid}")
