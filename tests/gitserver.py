"""Real git servers on the loopback, with the faults a forge has: `down` refuses, `hang` accepts and never answers.

Each serves the bare repositories under its `root`, on one port for its whole life; `up` is the cure for both faults.
None needs root. `SshServer` is here, `HttpServer` (http and https) in tests/githttp.py.
"""

from __future__ import annotations

import getpass
import os
import shutil
from abc import ABC, abstractmethod
from datetime import timedelta
from pathlib import Path
from typing import Protocol, Self

from tests.ports import LOOPBACK, SilentPort, free_port, ssh_banner
from tests.process import Background, Failed, run
from tests.repo import Repo, bare_repository
from tests.sshkey import SshKey, ssh_options
from tests.waiting import wait_for


class Listener(Protocol):
    def stop(self) -> None: ...


class GitServer(ABC):
    """Starts with `with` (or `up`), ends with it (or `down`)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        self._listener: Listener | None = None
        root.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def url(self, name: str) -> str:
        """What a person would give to `git clone` for the repository `name` ("app", or "ada/app")."""

    @property
    @abstractmethod
    def environment(self) -> dict[str, str]:
        """What git needs in its environment to be let in."""

    @abstractmethod
    def _serve(self) -> Listener:
        """Listen on `port`; returns when clients are answered."""

    def create(self, name: str, branch: str = "main") -> Path:
        """A new empty repository; its folder, for hooks and for breaking things."""
        return bare_repository(self.root / f"{name}.git", branch)

    def clone(self, name: str, into: Path) -> Repo:
        return Repo.clone(self.url(name), into, self.environment)

    def up(self) -> None:
        self.down()
        self._listener = self._serve()

    def down(self) -> None:
        """Connections are refused, and those that were open are cut."""
        if self._listener is not None:
            self._listener.stop()
        self._listener = None

    def hang(self) -> SilentPort:
        """Connections are accepted and never answered; the listener that counts them."""
        self.down()
        silent = SilentPort(self.port)
        self._listener = silent
        return silent

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()


class SshServer(GitServer):
    """OpenSSH with git-shell behind forced commands: nothing but git, for keys that `authorize` let in, in short paths as
    a forge has them (ssh://USER@127.0.0.1:PORT/app.git). The login is this process's own user, as sshd without root can
    serve no other."""

    def __init__(self, root: Path, key: SshKey) -> None:
        """`key` is the tests' own: `clone` uses it, and it may write."""
        super().__init__(root / "repositories")
        self._home = root
        self._host_key = SshKey.generate(root / "host_key")
        self.key = key
        self.known_hosts = root / "known_hosts"
        self.known_hosts.write_text(f"[{LOOPBACK}]:{self.port} {self._host_key.public}\n")
        (root / "authorized_keys").touch()
        (root / "serve").write_text(_SERVE)
        (root / "sshd_config").write_text(self._config())
        self.authorize(key.public)

    def url(self, name: str) -> str:
        return f"ssh://{getpass.getuser()}@{LOOPBACK}:{self.port}/{name}.git"

    @property
    def fingerprint(self) -> str:
        """The host key's, as a person would compare it: SHA256:..."""
        return self._host_key.fingerprint

    @property
    def environment(self) -> dict[str, str]:
        return {"GIT_SSH_COMMAND": " ".join(["ssh", *ssh_options(self.key, self.known_hosts)])}

    def authorize(self, public: str, *, read_only: bool = False) -> None:
        """Let a key in from now on, as adding a deploy key does; `read_only` is the forge's unticked "write access"."""
        may = "read" if read_only else "write"
        line = f'restrict,command="sh {self._home}/serve {self.root} {may}" {public}\n'
        with (self._home / "authorized_keys").open("a") as keys:
            keys.write(line)

    def revoke(self, public: str) -> None:
        """Let a key in no more: the line of exactly this public key goes."""
        keys = self._home / "authorized_keys"
        kept = [line for line in keys.read_text().splitlines() if not line.endswith(public)]
        keys.write_text("".join(f"{line}\n" for line in kept))

    def log(self) -> str:
        """What sshd wrote: who came, with which key, and why it was refused."""
        return (self._home / "sshd.log").read_text()

    def _serve(self) -> Listener:
        if os.geteuid() == 0:
            # Where sshd as root confines itself; Debian's unit makes it (RuntimeDirectory=sshd).
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        server = Background(*self._argv(), log=self._home / "sshd.log")
        try:
            wait_for(lambda: ssh_banner(self.port), f"sshd on port {self.port}", within=timedelta(seconds=10))
        except TimeoutError as error:
            server.stop()
            error.add_note(f"it wrote: {self.log()[-1000:]}")
            raise
        return server

    def _argv(self) -> list[str]:
        argv = [sshd(), "-D", "-e", "-f", str(self._home / "sshd_config")]
        try:
            # From OpenSSH 9.8 a server shuts out an address that failed too often: here every client has the same one.
            run(argv[0], "-t", *argv[3:], "-oPerSourcePenalties=no")
        except Failed:
            return argv
        return [*argv, "-oPerSourcePenalties=no"]

    def _config(self) -> str:
        return _CONFIG.format(home=self._home, port=self.port, address=LOOPBACK)


def sshd() -> str:
    """The OpenSSH server of this machine. FileNotFoundError says what to install."""
    found = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FileNotFoundError("sshd is not installed: sudo apt-get install openssh-server")
    return found


_SERVE = """\
# serve ROOT read|write: the command of every key. A repository's path begins at ROOT, as if that were all there is.
root=$1 may=$2
case "$may $SSH_ORIGINAL_COMMAND" in
  "read git-receive-pack "*) echo "ERROR: this key has no write access" >&2; exit 1 ;;
esac
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
exec git shell -c "$(printf %s "$SSH_ORIGINAL_COMMAND" | sed "s#'/*#'$root/#")"
"""

# AcceptEnv: without GIT_PROTOCOL a client falls back to protocol 0, which no forge speaks by default any more.
# MaxStartups: the default drops connections at random once ten have not logged in yet.
_CONFIG = """\
Port {port}
ListenAddress {address}
HostKey {home}/host_key
AuthorizedKeysFile {home}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AcceptEnv GIT_PROTOCOL
UseDNS no
MaxStartups 100
LogLevel VERBOSE
"""
