"""A VM for a test: a Debian with systemd as PID 1, an sshd on a loopback port of its own, and people to log in as."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Self, TypeVar

from tests.ports import LOOPBACK, free_port, ssh_banner
from tests.process import MINUTE, Failed, run
from tests.sshkey import SshKey, ssh_options
from tests.vm import tree
from tests.vm.container import Container
from tests.waiting import wait_for

T = TypeVar("T")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Machine:
    """It shares the network of its host: what it serves on a port is at 127.0.0.1 for the test, so take a `free_port`.

    Users: `ops` may sudo without a password, `mood` may not; `key` opens both. Nobody lingers yet.
    """

    address = LOOPBACK

    def __init__(self, folder: Path, key: SshKey, ssh_port: int) -> None:
        """The machine of a `folder` that tree.prepare has filled; `boot` does both."""
        self.folder = folder
        self.key = key
        self.ssh_port = ssh_port
        self.known_hosts = folder / "known_hosts"
        self._container = Container(folder, tree.binds())

    @classmethod
    def boot(cls, image: Path, folder: Path, key: SshKey) -> Self:
        """A new machine, named like `folder`, from a copy of `image`; it runs and answers ssh. End it with `destroy`."""
        ssh_port = free_port()
        tree.prepare(image, folder, key.public, ssh_port)
        machine = cls(folder, key, ssh_port)
        try:
            machine.start()
        except BaseException:
            machine.destroy()
            raise
        return machine

    @property
    def name(self) -> str:
        """Its hostname."""
        return self.folder.name

    @property
    def leader(self) -> int:
        """The host's pid of its PID 1; 0 while it is switched off."""
        return self._container.leader

    # Power

    def start(self) -> None:
        """Switch it on; returns when it has booted: sshd answers and logins are open."""
        self._container.start()
        try:
            wait_for(lambda: ssh_banner(self.ssh_port), f"sshd of {self.name} on port {self.ssh_port}", within=MINUTE)
            # It exits 1 when some unit failed: a test's own affair.
            self.root("systemctl is-system-running --wait || true")
        except (TimeoutError, Failed) as error:
            error.add_note(self._container.console.read_text()[-3000:])
            raise

    def stop(self) -> None:
        """A clean shutdown, to the end."""
        self._container.power_off()

    def reboot(self) -> None:
        self.stop()
        self.start()

    def power_cut(self) -> None:
        """Every process ends at once, nothing gets to say goodbye. `start` brings the machine back."""
        self._container.power_cut()

    def wait_off(self, within: timedelta = MINUTE) -> None:
        """After a shutdown or reboot that somebody asked for inside: it is off now, and only `start` brings it back."""
        self._container.wait_off(within)

    def destroy(self) -> None:
        """Cut the power and remove the machine from the disk."""
        self._container.power_cut()
        run("rm", "-rf", "--one-file-system", self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()

    # Commands. Each returns what the command printed and raises Failed (code, out, err) when it exits other than 0.

    def root(self, command: str | Sequence[str], *, given: str | bytes = "", within: timedelta = MINUTE) -> str:
        """As root, without a login: an argv, or a script for `sh -eu`."""
        return run(*self.root_argv(command), given=given, within=within)

    def root_argv(self, command: str | Sequence[str]) -> list[str]:
        """What `root` runs on the host; valid until the machine is switched off."""
        argv = ["sh", "-euc", command] if isinstance(command, str) else command
        plain = ("env", "-i", "-C", "/root", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8")
        return [*self._container.enter(), *plain, *argv]

    def as_user(
        self, user: str, command: str | Sequence[str], *, given: str | bytes = "", within: timedelta = MINUTE
    ) -> str:
        """As a user, without a login, in their home; `systemctl --user` works once their manager runs (lingering)."""
        argv = ["sh", "-euc", command] if isinstance(command, str) else command
        become = ("setpriv", "--reuid", user, "--regid", user, "--init-groups", "env", "-C", f"/home/{user}")
        variables = {"HOME": f"/home/{user}", "USER": user, "LOGNAME": user, "PATH": "/usr/local/bin:/usr/bin:/bin"}
        variables |= {"XDG_RUNTIME_DIR": f"/run/user/{self.uid(user)}", **tree.environment()}
        settings = [f"{name}={value}" for name, value in variables.items()]
        return self.root([*become, *settings, *argv], given=given, within=within)

    def ssh(self, user: str, command: str, *, given: str | bytes = "", within: timedelta = MINUTE) -> str:
        """Over a fresh ssh connection, through the user's login shell."""
        return run(*self.ssh_argv(user), command, given=given, within=within)

    def ssh_argv(self, user: str) -> list[str]:
        return ["ssh", *ssh_options(self.key, self.known_hosts), "-p", str(self.ssh_port), f"{user}@{self.address}"]

    def uid(self, user: str) -> int:
        return tree.USERS[user]

    # Files and logs

    def put(self, path: str, content: str | bytes, *, owner: str = "root", mode: int = 0o644) -> None:
        """Write a file, as its owner; missing folders are made."""
        script = 'mkdir -p "$(dirname "$1")"; umask 077; cat > "$1"; chmod "$2" "$1"'
        write = ["sh", "-euc", script, "put", path, f"{mode:o}"]
        if owner == "root":
            self.root(write, given=content)
        else:
            self.as_user(owner, write, given=content)

    def get(self, path: str) -> str:
        return self.root(["cat", "--", path])

    def journal(self, user: str | None = None, *options: str) -> str:
        """The journal so far, over all boots: of everything, or of one user's manager and services."""
        match = [f"_UID={self.uid(user)}"] if user else []
        return self.root(["journalctl", "--no-pager", "--quiet", "--output=short-iso-precise", *options, *match])

    def wait_for(
        self,
        claim: Callable[[], T],
        what: str,
        *,
        within: timedelta = timedelta(seconds=30),
        unless: tuple[type[Exception], ...] = (Failed,),
    ) -> T:
        """tests.waiting.wait_for, and the end of the journal when it was in vain. A command that fails is "not yet"."""
        try:
            return wait_for(claim, what, within=within, unless=unless)
        except TimeoutError as error:
            if self._container.running:
                error.add_note(f"{self.name} wrote last:\n{self.journal(None, '--lines=60')}")
            raise
