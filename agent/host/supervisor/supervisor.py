"""What the supervisor has: instances, one held socket, a notify socket, a log."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from ...launcher.hearing import Hearing
from ...names import ReleaseId
from ...unit import Address, Unit
from . import child, unit_json, wire
from .environment import compose
from .held import Held
from .instance import Child, Instance
from .log import Log
from .visitors import Page, Visitors, unit_of

MARK = "GITOPS_VM_SUPERVISED"
"""In the environment of everything that is supervised: the supervisor's directory."""


class Supervisor:
    """The verbs of the control socket. Made inside the running loop; `environ` is what every program starts from."""

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self._directory, self._environ = directory, environ
        self._instances: dict[ReleaseId, Instance] = {}
        self._children: dict[int, asyncio.Future[int]] = {}
        self._log = Log(directory / wire.LOG)
        self._held = Held()
        self._page: Page = ()
        self._visitors = Visitors(self._held, self._start_page)
        self._notify = Hearing(self._heard)
        loop = asyncio.get_running_loop()
        self.over = loop.create_future()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def start(self, release: ReleaseId) -> None:
        """Does nothing where it is supervised already. Raises OSError or ValueError without a unit to start."""
        if release in self._instances:
            return
        unit = unit_json.decode(unit_json.path(self._directory, release).read_text())
        instance = Instance(unit, self._spawn, lambda text: self._log.say(release, text), self._look)
        self._instances[release] = instance
        instance.life.add_done_callback(lambda _: self._forget(release))
        self._look()

    async def stop(self, release: ReleaseId) -> None:
        if instance := self._instances.get(release):
            await instance.stop()

    async def listen(self, address: Address | None, page: Page) -> None:
        """`page` is the program that answers visitors of the address whom no release can answer."""
        if address != self._held.address:
            await self._visitors.send_away()
        self._page = page
        try:
            self._held.listen(address)
        finally:
            self._look()

    def list(self) -> dict[str, Any]:
        return {"listen": self._held.address, "instances": [_describe(each) for each in self._instances.values()]}

    async def shutdown(self) -> None:
        await asyncio.gather(*(each.stop() for each in self._instances.values()))
        await self.listen(None, ())
        if not self.over.done():
            self.over.set_result(None)

    async def _spawn(self, unit: Unit) -> Child:
        if unit.listen and not unit.launched:
            await self._visitors.send_away()
        return self._launch(unit)

    def _start_page(self) -> Child:
        return self._launch(unit_of(self._page, self._held, self._environ.get("PYTHONPATH", "")))

    def _forget(self, release: ReleaseId) -> None:
        self._instances.pop(release, None)
        self._look()

    def _look(self) -> None:
        self._visitors.expect(bool(self._page) and not any(map(_answers_soon, self._instances.values())))

    def _launch(self, unit: Unit) -> Child:
        mark = f"INVOCATION_ID={token_hex(16)}"
        environ = self._environment(unit, mark)
        listening = self._held.descriptor(unit.listen) if unit.listen else None
        output = self._log.channel(unit.release)
        try:
            pid = child.launch(unit, environ, output=output, listening=listening)
        finally:
            os.close(output)
        ended = self._children[pid] = asyncio.get_running_loop().create_future()
        return Child(pid, mark, ended)

    def _environment(self, unit: Unit, mark: str) -> dict[str, str]:
        name, _, value = mark.partition("=")
        told = {"NOTIFY_SOCKET": self._notify.address} if unit.notify else {}
        return compose(self._environ, unit) | told | {MARK: str(self._directory), name: value}

    def _heard(self, pid: int, fields: Mapping[str, str]) -> None:
        """Only a main process speaks for its release."""
        for each in self._instances.values():
            if each.child and each.child.pid == pid:
                each.heard(fields)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                if future := self._children.pop(pid, None):
                    future.set_result(status)


def _answers_soon(instance: Instance) -> bool:
    """Visitors wait for one that starts or ends because it was asked to; after a crash not for long, or for ever.

    Beside a program that may take its socket nobody else answers. A launcher sends the page away before it accepts.
    """
    if instance.unit.listen is None:
        return False
    started = instance.child and not instance.unit.launched
    return bool(instance.ready or instance.stopping or not instance.restarts or started)


def _describe(instance: Instance) -> dict[str, Any]:
    """As JSON; `exit` is a wait status, `said` what that process told last, `since` an instant in seconds."""
    return {
        "release": instance.unit.release,
        "phase": _phase(instance),
        "pid": instance.child.pid if instance.child else None,
        "since": instance.since.timestamp(),
        "restarts": instance.restarts,
        "exit": instance.exit,
        "result": instance.result,
        "said": instance.said,
    }


def _phase(instance: Instance) -> str:
    if instance.stopping:
        return "deactivating"
    return "running" if instance.ready else "activating"
