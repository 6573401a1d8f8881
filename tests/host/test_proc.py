"""What the kernel says of processes, compared with what is known of them here."""

from __future__ import annotations

import os
import re
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.errors import Broken, Reason
from agent.host import proc
from agent.host.port import refuse, stranger
from tests.ports import LOOPBACK, free_port
from tests.process import Background, descendants
from tests.waiting import wait_for

GONE = 2**22 + 1  # above the highest pid there can be: proc(5), pid_max


def test_a_process_knows_itself():
    me = os.getpid()
    started = proc.start_time(me)
    assert started
    assert timedelta(0) <= datetime.now(UTC) - started + timedelta(seconds=1) < timedelta(hours=1)
    assert proc.name(me) == Path("/proc/self/comm").read_text().strip()
    assert proc.session(me) == os.getsid(0)
    assert proc.is_running(me)
    assert me in proc.pids()
    status = Path("/proc/self/status").read_text()
    resident = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))
    assert abs((proc.rss(me) or 0) - resident) < 8 * 1024 * 1024


def test_the_memory_of_a_session_is_that_of_all_its_processes(tmp_path: Path):
    two = "import os, time; os.fork(); print('here', flush=True); time.sleep(60)"
    leader = Background(sys.executable, "-c", two, log=tmp_path / "log")
    try:
        wait_for(lambda: (tmp_path / "log").read_text().count("here") == 2, "both")
        (child,) = descendants(leader.pid)
        first, second = proc.rss(leader.pid) or 0, proc.rss(child) or 0
        assert second > 4_000_000
        assert abs((proc.memory(leader.pid) or 0) - first - second) < 1_000_000
        assert abs((proc.memory(child) or 0) - second) < 1_000_000
    finally:
        leader.stop()


def test_of_a_process_that_is_gone_nothing_is_known():
    assert (proc.rss(GONE), proc.memory(GONE), proc.start_time(GONE), proc.session(GONE)) == (None,) * 4
    assert (proc.name(GONE), proc.environ(GONE), proc.is_running(GONE)) == ("", frozenset(), False)


def test_a_name_with_blanks_and_brackets_does_not_shift_the_fields(tmp_path: Path):
    odd = tmp_path / "a) R 1 (b"
    odd.symlink_to(Path(sys.executable).resolve())
    script = "import time; time.sleep(60)"
    sleeper = Background(odd, "-c", script, log=tmp_path / "log")
    try:
        wait_for(lambda: proc.name(sleeper.pid) == odd.name, "the program's name")
        assert proc.session(sleeper.pid) == sleeper.pid
        assert proc.start_time(sleeper.pid)
    finally:
        sleeper.stop()


@pytest.mark.parametrize("host", [LOOPBACK, "0.0.0.0", "::1"])  # noqa: S104 - one of the ways to listen
def test_the_listener_of_a_port_is_found_for_as_long_as_it_listens(host: str):
    port = free_port()
    assert (proc.listener(port), proc.is_listening(port)) == (None, False)
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
        assert (proc.listener(port), proc.is_listening(port)) == (os.getpid(), True)
    assert (proc.listener(port), proc.is_listening(port)) == (None, False)


def test_the_ports_of_a_process_are_those_of_its_whole_session(tmp_path: Path):
    one, two = free_port(), free_port()
    port = f"{one} if os.fork() else {two}"
    script = f"import os, socket, time; s = socket.create_server(('{LOOPBACK}', {port})); time.sleep(60)"
    leader = Background(sys.executable, "-c", script, log=tmp_path / "log")
    try:
        with socket.create_server((LOOPBACK, 0)):
            wait_for(lambda: proc.ports_of(leader.pid) == {one, two}, "both ports, and no other")
        assert proc.own_ports_of(leader.pid) == {one}
    finally:
        leader.stop()
    assert proc.ports_of(leader.pid) == frozenset()


def test_a_client_of_a_port_is_not_its_listener():
    with socket.create_server((LOOPBACK, 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert proc.listener(client.getsockname()[1]) is None


def test_a_port_of_our_own_process_is_no_strangers():
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert stranger(port, lambda: [os.getpid()]) == ""
        who = stranger(port, list)
        assert who.startswith(f"process {os.getpid()} (")
        with pytest.raises(Broken, match=f"port {port} is held by process {os.getpid()}") as refused:
            refuse(port, who)
    assert refused.value.reason is Reason.PORT_IN_USE
    refuse(port, stranger(port, list))


def test_one_that_ends_while_it_is_looked_at_is_no_stranger(tmp_path: Path):
    """A process of ours that was killed: the manager tells of its successor already."""
    port = free_port()
    script = f"import socket, time; s = socket.create_server(('{LOOPBACK}', {port})); time.sleep(60)"
    listener = Background(sys.executable, "-c", script, log=tmp_path / "log")
    wait_for(lambda: proc.is_listening(port), "the listener")

    def ours() -> list[int]:
        listener.stop()
        return [os.getpid()]

    assert stranger(port, list).startswith(f"process {listener.pid} (")
    assert stranger(port, ours) == ""


def test_the_free_memory_is_what_the_kernel_says_programs_can_have(tmp_path: Path):
    said = tmp_path / "meminfo"
    said.write_text("MemTotal:  8000000 kB\nMemFree:     10000 kB\nMemAvailable:  2000000 kB\nBuffers:  7 kB\n")
    assert proc.free_memory(said) == 2_000_000 * 1024


@pytest.mark.parametrize("text", ["MemTotal: 8000000 kB\nMemFree: 10000 kB\n", "", None])
def test_where_the_kernel_does_not_say_it_the_free_memory_is_unknown(tmp_path: Path, text: str | None):
    said = tmp_path / "meminfo"
    if text is not None:
        said.write_text(text)
    assert proc.free_memory(said) is None


def test_of_this_machine_it_is_what_its_kernel_says_at_that_moment():
    said = int(re.findall(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())[0]) * 1024
    found = proc.free_memory()

    assert found
    assert abs(found - said) < 512 * 1024**2  # others take and give back meanwhile
    assert found < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
