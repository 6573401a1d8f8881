"""What people push by mistake: the FastAPI app of this folder with something wrong in it, and what the VM has to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.vm.switch.user_apps import FASTAPI

MAIN = "app/main.py"
STATE = "desired-state.yaml"
ROLLOUT = "{timeout: 10s, soak: 4s}"
WELL = 'return {"status": "ok"}'
HOME = 'return {"hello": "world", "version": VERSION}'
ILL = 'from fastapi import HTTPException\n    raise HTTPException(503, "out of ink")'
IN_A_MOMENT = "import os, threading; threading.Timer(1, os._exit, [3]).start()"
LEAK = """\
import os, resource, signal
HOARD = []
ROOM = 640 * 2**20 + resource.getpagesize() * int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
def leak():
    try:
        HOARD.append(bytearray(32 * 2**20))
    except MemoryError:
        os.kill(os.getpid(), signal.SIGKILL)
"""
"""What a memory limit does, which these machines cannot enforce: the kernel kills who needs more."""

ELSEWHERE = "import socket\nSERVER = socket.create_server(('127.0.0.1', 0))\n"
FOR_EVER = "import time\nwhile True: time.sleep(1)"
STUBBORN = """\
import signal, time
def ignore(*_):
    while True: time.sleep(1)
"""
"""A handler of the app's own, set while it serves: at SIGTERM the event loop stands, and the launcher with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """`reason` and `said` (part of the message) are of the condition Ready; both empty for one that is fit in the end.

    `reaches`: it got as far as the traffic. `dies`: with the requests that it holds then.
    """

    name: str
    reason: str = ""
    said: str = ""
    reaches: bool = False
    dies: bool = False
    before: str = ""
    """Lines that come first in the app's module."""
    swap: Mapping[str, str] = field(default_factory=dict)
    """In the app's module."""
    requirements: str = ""
    """More lines of them; `{port}`: of a package index that does what the test says."""
    rollout: str = ROLLOUT
    killed: bool = False
    """It does not end when it is told to."""
    after: str = ROLLOUT
    """The rollout of what follows it."""

    def files(self, port: int, version: str, *, index: int) -> dict[str, str | bytes]:
        found = FASTAPI.files(port, version)
        source = found[MAIN]
        assert isinstance(source, str)
        for old, new in self.swap.items():
            assert old in source, (self.name, old)
            source = source.replace(old, new)
        found[MAIN] = f"{self.before}\n{source}"
        found["requirements.txt"] = f"{found['requirements.txt']}{self.requirements.format(port=index)}\n"
        state = found[STATE]
        assert isinstance(state, str)
        assert ROLLOUT in state
        found[STATE] = state.replace(ROLLOUT, self.rollout)
        return found


REJECTED = (
    Bad(
        name="exits at once",
        reason="ProcessExited",
        said='exited with status 1; it said "RuntimeError: the table moods is missing"',
        before='raise RuntimeError("the table moods is missing")',
    ),
    Bad(name="never becomes ready", reason="HealthCheckFailed", said="GET /healthz answered 503", swap={WELL: ILL}),
    Bad(
        name="falls ill while it is on trial",
        reason="HealthCheckFailed",
        said="GET /healthz answered 503",
        reaches=True,
        swap={
            HOME: f"globals()['VISITED'] = True\n    {HOME}",
            WELL: f"if 'VISITED' not in globals():\n        {WELL}\n    {ILL}",
        },
    ),
    Bad(
        name="dies while it is on trial",
        reason="ProcessExited",
        said="exited with status 3",
        reaches=True,
        dies=True,
        swap={HOME: f"{IN_A_MOMENT}\n    {HOME}"},
    ),
    Bad(
        name="leaks until it is killed",
        reason="ProcessExited",
        said="was killed by SIGKILL (for want of memory?",
        reaches=True,
        dies=True,
        before=LEAK,
        swap={HOME: f"leak()\n    {HOME}"},
    ),
    Bad(name="hangs in import", reason="HealthCheckFailed", said="nothing answers", before=FOR_EVER),
    Bad(
        name="binds another port",
        reason="HealthCheckFailed",
        said="; the process listens on port ",
        before=f"{ELSEWHERE}{FOR_EVER}",
    ),
    Bad(name="cannot be resolved", reason="BuildFailed", said="sdnotify==99.99", requirements="sdnotify==99.99"),
    Bad(
        name="has a corrupt wheel",
        reason="BuildFailed",
        said="requirements.txt: ",
        requirements="corrupt @ http://127.0.0.1:{port}/corrupt-1-py3-none-any.whl",
    ),
    Bad(
        name="has an index that answers 503",
        reason="PackageIndexUnreachable",
        said="503",
        requirements="absent @ http://127.0.0.1:{port}/503/absent-1-py3-none-any.whl",
        rollout="{retry: {limit: 0}}",
    ),
    Bad(
        name="has an index that never answers",
        reason="PackageIndexUnreachable",
        said="timed out",
        requirements="absent @ http://127.0.0.1:{port}/silent/absent-1-py3-none-any.whl",
        rollout="{retry: {limit: 0}}",
    ),
)
FIT = (
    Bad(
        name="ignores SIGTERM",
        before=STUBBORN,
        swap={WELL: f"signal.signal(signal.SIGTERM, ignore)\n    {WELL}"},
        killed=True,
        after="{timeout: 10s, soak: 8s}",  # longer than any visit: those who were with it have left when it is told
    ),
    Bad(
        name="asks not to hear of SIGTERM and has a thread without an end",
        before="import signal, threading, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "threading.Thread(target=time.sleep, args=[1000]).start()",
    ),
    Bad(
        name="leaves a child with the port", before="import os, time\nif os.fork() == 0:\n    while True: time.sleep(1)"
    ),
    Bad(name="opens another port as well", before=ELSEWHERE),
    Bad(name="says that it is the old revision", swap={'VERSION = "odd"': 'VERSION = "good"'}),
    Bad(name="floods the log", before="for number in range(300_000): print(number, 'of many')"),
    Bad(name="needs 30 s to start", before="import time; time.sleep(30)", rollout="{timeout: 60s, soak: 4s}"),
)
