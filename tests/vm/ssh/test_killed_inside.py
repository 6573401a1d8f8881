"""The guard is killed in the middle of one of its steps: what its timer runs makes that the old state, or the new."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

import bootstrap
from tests import cuts
from tests.process import Failed
from tests.sshkey import SshKey
from tests.vm.machine import PATH
from tests.vm.ssh.laptop import Laptop
from tests.vm.ssh.site import KEYS, USER, Site
from tests.vm.ssh.test_killed import KILLS, SEED

# Those by which the scripts change or decide something.
PROGRAMS = ("awk", "cat", "cmp", "cp", "flock", "getent", "id", "mkdir", "mv", "rm", "sed", "setpriv", "stat", "sync", "systemctl", "touch")  # fmt: skip
TIME_PASSES = """\
timer=gitops-vm-ssh-revert.timer
if systemctl -q is-active $timer || systemctl -q is-enabled $timer 2>/dev/null; then systemctl start ${timer%.timer}; fi
"""


class Change:
    """A whole change, without a laptop: the guard's own steps."""

    def __init__(self, site: Site, key: SshKey) -> None:
        self._site, self._key = site, key
        for name in PROGRAMS:
            site.machine.put(f"/run/programs/{name}", cuts.program(f"/usr/bin/{name}"), mode=0o755)

    def cut_off(self, after: int) -> int:
        """In place of the program it would start as number `after`, and then the window ends. How many there were."""
        root = self._site.machine.root
        root("systemctl reset-failed ssh.service")  # or it counts our starts: five in ten seconds are its limit
        self._site.hand_out()
        root(f"echo >> {KEYS}; cat >> {KEYS}", given=f"{self._key.public}\n")
        root("rm -rf /run/cut; mkdir -m 777 /run/cut; touch /run/cut/count; chmod 666 /run/cut/count")
        with suppress(Failed):
            for words, given in self._steps():
                environ = ("env", "CUT=/run/cut", f"CUT_AT={after}", f"PATH=/run/programs:{PATH}")
                root([*environ, *cuts.run_by(bootstrap.script_text("ssh_guard"), "ssh_guard.sh", *words)], given=given)
        root(TIME_PASSES)
        return int(root("wc -l < /run/cut/count"))

    def _steps(self) -> Iterator[tuple[tuple[str, ...], str]]:
        texts, address = (bootstrap.script_text("ssh_revert"), bootstrap.script_text("ssh_keys")), "127.0.0.1"
        yield ("arm", "one", USER, "600", *texts), ""
        yield ("prune", "one", USER, self._key.public.split()[1]), ""
        yield ("write", "one", "00-gitops-vm.conf"), bootstrap.DROP_INS["00-gitops-vm.conf"]
        yield ("apply", "one", USER, address), ""
        yield ("commit", "one"), ""

    def files(self) -> dict[str, tuple[str, ...]]:
        return {name: row[:3] for name, row in self._site.files().items()}


@pytest.mark.timeout(1800)
def test_killed_inside_any_step_it_is_settled_when_the_window_ends(
    site: Site, laptop: Laptop, say: Callable[[str], None]
) -> None:
    change = Change(site, laptop.own)
    change.cut_off(after=1)
    old = change.files()
    programs = change.cut_off(after=100_000)
    new = change.files()
    assert old != new
    came_to = Counter[str]()
    for point in random.Random(SEED).sample(range(1, programs + 1), KILLS):  # noqa: S311
        change.cut_off(point)
        files = change.files()
        assert files in (old, new), f"killed at program {point} of {programs}: {files}"
        came_to["new" if files == new else "old"] += 1
    say(f"killed at {KILLS} of {programs} programs, GITOPS_VM_SEED={SEED}: {dict(came_to)} ")
