"""Who gets in, asked with plain ssh, and whether that is the old state of things, the new one, or neither."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from tests.process import Failed, run
from tests.sshkey import SshKey, ssh_options
from tests.vm.ssh.laptop import Laptop
from tests.vm.ssh.site import DROP_INS, KEYS, PASSWORD, USER, Site
from tests.waiting import wait_for

LATER = timedelta(seconds=5)
"""How long after the window everything is in order again."""

OURS = {KEYS, f"{DROP_INS}/00-gitops-vm.conf", f"{DROP_INS}/00-gitops-vm-crypto.conf"}
"""The files that a bootstrap may change for good."""

# sshd turns an address away that it has refused too often (PerSourcePenalties, from 9.8 on): who may be refused comes from
# an address of its own.
ADDRESSES: Iterator[str] = (f"127.1.{high}.{low}" for high, low in itertools.product(range(256), range(1, 255)))


class State(StrEnum):
    OLD = "old"
    NEW = "new"
    BETWEEN = "between"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`logins`: who of own, entry and password gets in. `changed`: the files that are not as they were."""

    logins: frozenset[str]
    keys: str
    changed: frozenset[str]
    same_sshd: bool
    passwords: bool
    pending: bool


class Judge:
    def __init__(self, site: Site, laptop: Laptop) -> None:
        """What is so now is the old state."""
        self._site, self._laptop, self._machine = site, laptop, site.machine
        self._askpass = laptop.folder / "askpass"
        self._askpass.write_text('#!/bin/sh\necho "$ANSWER"\n')
        self._askpass.chmod(0o700)
        self.remember()

    def remember(self) -> None:
        self._files, self._sshd = self._contents(), self._site.effective()

    def lets_in(self, key: SshKey, source: str = "127.0.0.1") -> bool:
        """Whether the key alone opens the VM, over a connection of its own. Failed when sshd gave no answer."""
        return self._answer(*ssh_options(key, self._machine.known_hosts), source=source)

    def takes_the_password(self) -> bool:
        methods = ("PubkeyAuthentication=no", "PreferredAuthentications=password,keyboard-interactive")
        trust = (f"UserKnownHostsFile={self._machine.known_hosts}", "StrictHostKeyChecking=yes", "ConnectTimeout=10")
        options = (f"-o{each}" for each in (*methods, *trust, "NumberOfPasswordPrompts=1"))
        return self._answer("-F", "none", *options, source=next(ADDRESSES))

    def look(self) -> Look:
        """Failed when sshd gives no answer."""
        keys, files, sshd = self._site.keys(), self._contents(), self._site.effective()
        with ThreadPoolExecutor(max_workers=3) as pool:
            own = pool.submit(self.lets_in, self._laptop.own, next(ADDRESSES))
            entry = pool.submit(self.lets_in, self._laptop.entry, next(ADDRESSES))
            ways = {"own": own, "entry": entry, "password": pool.submit(self.takes_the_password)}
        return Look(
            logins=frozenset(name for name, way in ways.items() if way.result()),
            keys=keys,
            changed=frozenset(name for name in files.keys() | self._files if files.get(name) != self._files.get(name)),
            same_sshd=sshd == self._sshd,
            passwords="\npasswordauthentication no\n" not in sshd,
            pending=self._site.pending(),
        )

    def state(self, look: Look) -> State:
        """Of the whole: logins, files and sshd's settings must agree. `own` may be there before anything is closed."""
        old = {f"{self._site.handed_out}\n": {"entry", "password"}}
        old[f"{self._site.handed_out}\n{self._laptop.own.public}\n"] = {"own", "entry", "password"}
        if look.same_sshd and look.changed <= {KEYS} and old.get(f"{look.keys.rstrip()}\n") == look.logins:
            return State.OLD
        wanted = {"own"} if self._site.has_root else {"own", "password"}
        closed = not look.passwords if self._site.has_root else look.same_sshd
        blobs = [line.split()[1] for line in look.keys.splitlines() if line and not line.startswith("#")]
        if blobs == [self._laptop.own.public.split()[1]] and closed and look.logins == wanted and look.changed <= OURS:
            return State.NEW
        return State.BETWEEN

    def settled(self, window: timedelta) -> State:
        """What it has come to for good, at the latest `LATER` after the window: old or new. The owner gets in, from the
        address they work at."""
        looks: list[Look] = []

        def final() -> bool:
            if self._site.pending():
                return False
            looks.append(self.look())
            return not looks[-1].pending and self.state(looks[-1]) is not State.BETWEEN

        try:
            wait_for(final, "SSH to be as it was, or all new", within=window + LATER, unless=(Failed,))
        except TimeoutError as error:
            error.add_note(f"it is between: {looks[-1] if looks else 'nobody ever got an answer'}")
            raise
        state = self.state(looks[-1])
        assert self.lets_in(self._laptop.own if state is State.NEW else self._laptop.entry)
        return state

    def _contents(self) -> dict[str, tuple[str, ...]]:
        """Of the files that decide: mode, owner, digest."""
        return {name: row[:3] for name, row in self._site.files().items()}

    def _answer(self, *options: str, source: str) -> bool:
        place = ("-b", source, "-p", str(self._machine.ssh_port), "-l", USER, "--", self._machine.address)
        asked = {"SSH_ASKPASS": str(self._askpass), "SSH_ASKPASS_REQUIRE": "force", "ANSWER": PASSWORD}
        try:
            return run("ssh", *options, *place, "echo", "in", env={"PATH": "/usr/bin:/bin", **asked}) == "in\n"
        except Failed as failed:
            if "Permission denied (" in failed.err:
                return False
            raise
