"""One systemd-nspawn with a whole Debian in it: switched on, switched off, and its power cut.

PID 1 is the child of systemd-nspawn. Killing systemd-nspawn instead would leave the machine running, its ports held.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from tests.process import Background, descendants, is_alive, parent, started
from tests.waiting import wait_for

# In a mount namespace of its own: the overlay is gone with systemd-nspawn, however that ends.
MOUNT = """\
cd "$1"; shift
[ ! -d upper ] || mount -t overlay overlay -o lowerdir=image,upperdir=upper,workdir=work root || exit
exec "$@"
"""
# Each machine needs a control group of its own: with --keep-unit two of them would share "payload" under ours, and one's
# user manager would end the other's services.
JOIN = 'umask 022; for group in $1; do echo $$ > "$group/cgroup.procs" || exit; done; shift; exec "$@"'


class Container:
    """The tree that tree.prepare left in `folder`, as a machine called like it. It shares the network of its host."""

    def __init__(self, folder: Path, binds: Iterable[Path]) -> None:
        self.folder = folder
        self._binds = tuple(binds)
        self._nspawn: Background | None = None
        self.leader = 0
        """The host's pid of the machine's PID 1; 0 while it is switched off."""

    def start(self) -> None:
        """Returns when the machine has a PID 1, long before it has booted."""
        groups = control_groups(self.folder.name)
        for group in groups:
            group.mkdir(exist_ok=True)
        join = ("sh", "-c", JOIN, "join", " ".join(map(str, groups)))
        mount = ("unshare", "--mount", "--propagation=private", "sh", "-c", MOUNT, "mount", self.folder)
        self._nspawn = Background(*join, *mount, *self._argv(), log=self.console, env={"PATH": os.environ["PATH"]})
        self.leader = wait_for(self._find_leader, f"a PID 1 in {self.folder.name}")
        (self.folder / "leader").write_text(f"{self.leader} {started(self.leader)}")

    def power_off(self, within: timedelta = timedelta(seconds=60)) -> None:
        """A clean shutdown, asked for as the power button does (systemd(1), SIGRTMIN+4)."""
        if self.running:
            os.kill(self.leader, signal.SIGRTMIN + 4)
        self.wait_off(within)

    def power_cut(self) -> None:
        """Every process is gone at once. What was written is not lost with it: the page cache is the host's."""
        if self._nspawn is not None and self._nspawn.running:
            with suppress(ProcessLookupError):
                os.kill(self.leader or self._find_leader() or self._nspawn.pid, signal.SIGKILL)
        self.wait_off(timedelta(seconds=30))

    def wait_off(self, within: timedelta) -> None:
        """Returns when nothing of the machine runs any more, by whatever cause. TimeoutError when `within` is over."""
        if self._nspawn is not None:
            self._nspawn.wait(within)
            remove_control_groups(self.folder.name)
            (self.folder / "leader").unlink(missing_ok=True)
            self._nspawn, self.leader = None, 0

    @property
    def running(self) -> bool:
        return is_alive(self.leader)

    def enter(self) -> list[str]:
        """The argv before a command's own that runs it inside, as a process beside PID 1."""
        if not self.running:
            raise RuntimeError(f"{self.folder.name} is switched off")
        # Not `nsenter -a` alone: newer logind refuses whoever is in a control group from outside (EUNATCH).
        paths = dict(line.split(":", 2)[1:] for line in Path(f"/proc/{self.leader}/cgroup").read_text().splitlines())
        groups = [f"{top}{paths[name]}" for name, top in hierarchies().items() if name in paths]
        return ["sh", "-c", JOIN, "join", " ".join(groups), "nsenter", "-t", str(self.leader), "-a"]

    @property
    def console(self) -> Path:
        """What the machine and systemd-nspawn wrote to the console."""
        return self.folder / "console.log"

    def _argv(self) -> list[str]:
        return [
            *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--link-journal=no", "--console=pipe"),
            # Where systemd runs, it gives the machine a scope of its own; elsewhere nobody could.
            *([] if has_systemd() else ["--keep-unit"]),
            *("--directory=root", f"--machine={self.folder.name}", "--resolv-conf=copy-host"),
            *(f"--bind-ro={each}" for each in self._binds),
        ]

    def _find_leader(self) -> int:
        nspawn = self._nspawn
        if nspawn is None or not nspawn.running:
            raise RuntimeError(f"systemd-nspawn did not start {self.folder.name}: {self.console.read_text()[-1000:]}")
        return next((pid for pid in descendants(nspawn.pid) if parent(pid) == nspawn.pid and _is_first(pid)), 0)


def has_systemd() -> bool:
    """sd_booted(3)"""
    return Path("/run/systemd/system").is_dir()


def hierarchies() -> dict[str, Path]:
    """The control group hierarchies systemd uses here, named as in /proc/PID/cgroup (cgroups(7)): v2, or v1's own one
    and perhaps v2 beside it."""
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.procs").exists():
        return {"": top}
    return {
        name: path for name, path in {"name=systemd": top / "systemd", "": top / "unified"}.items() if path.is_dir()
    }


def control_groups(name: str) -> list[Path]:
    """The machine's own group in each hierarchy; none where the host's systemd makes it a scope."""
    return [] if has_systemd() else [top / name for top in hierarchies().values()]


def remove_control_groups(name: str) -> None:
    """Of a machine that has ended. The kernel lets a group go only a moment after its last process."""
    for top in control_groups(name):
        wait_for(lambda top=top: _removed(top), f"the end of control group {top}", unless=(OSError,))


def _removed(top: Path) -> bool:
    for folder, _, _ in os.walk(top, topdown=False):
        Path(folder).rmdir()
    return not top.exists()


def _is_first(pid: int) -> bool:
    """Whether the process is PID 1 in a pid namespace of its own (proc(5), NSpid)."""
    with suppress(FileNotFoundError, ProcessLookupError):
        status = Path(f"/proc/{pid}/status").read_text()
        return any(line.split()[2:] == ["1"] for line in status.splitlines() if line.startswith("NSpid:"))
    return False
