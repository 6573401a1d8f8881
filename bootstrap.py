#!/usr/bin/env python3
"""Secure a VM's SSH and install the gitops-vm agent there; or install it on this machine.

One file on the standard library and the system's ssh client; Python 3.9 or newer here, 3.11 or newer where the agent runs.
What runs over there is in install/: small scripts, sent as they are. Every step looks first and changes only what is not
so yet; run it again at any time.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import configparser
import contextlib
import difflib
import fcntl
import fnmatch
import functools
import getpass
import hashlib
import http.client
import io
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess  # noqa: TID251 - this file stands alone: it installs what agent/host/command.py is part of
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
FAILED, WOULD_CHANGE, USAGE, INTERRUPTED = 1, 2, 64, 130  # 64 is EX_USAGE of sysexits.h
SSH_FAILED = 255  # ssh(1): the exit status when it was not the command that failed
SSH_PORT = 22

EXAMPLES = """\
examples:
  python3 bootstrap.py ops@vm.example.edu        in a clone of the repository the VM is to follow
  python3 bootstrap.py ops@vm.example.edu --repo git@github.com:me/mood.git
  python3 bootstrap.py student-admin@vm.example.edu -p 22010 -i ~/.ssh/my_key --entry-key student-admin_key \\
          --repo git@github.com:me/mood.git
  python3 bootstrap.py ops@vm.example.edu --only ssh --crypto    only secure SSH
  python3 bootstrap.py ops@vm.example.edu -p 22010 -i ~/.ssh/my_key --repo ssh://git@git.example.edu:2222/mood.git \\
          --repo-host-key SHA256:...
  HF_TOKEN=... python3 bootstrap.py ops@vm.example.edu --repo git@github.com:me/mood.git
  python3 bootstrap.py ops@vm.example.edu --repo git@github.com:me/mood.git --status-repo git@github.com:me/mood-status.git
  python3 bootstrap.py check vm-1                                is all well there? (a VM of vms.ini, or USER@HOST)
  python3 bootstrap.py recover vm-1                              bring agent and app back, where they are not well
  python3 bootstrap.py uninstall vm-1 --keep-data                take it off again; releases and data stay
  python3 bootstrap.py local --demo        push to deploy on this machine, until Ctrl-C
  python3 bootstrap.py local               the agent on this machine, with a repository beside it

secrets come from the environment (HF_TOKEN or HUGGING_FACE_TOKEN, --env-file FILE; GIT_TOKEN and GIT_USERNAME for https,
GIT_STATUS_TOKEN and GIT_STATUS_USERNAME for that of --status-repo;
GITHUB_TOKEN, GITLAB_TOKEN, CODEBERG_TOKEN or, with --forge-api, FORGE_TOKEN to register the deploy key;
GITOPS_VM_SUDO_PASSWORD)
or a question, never from the command line
"""

PINNED = {
    "github.com": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    "gitlab.com": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf",
    "codeberg.org": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIVIC02vnjFyL+I4RHfvIGNtOgJMe769VTF1VR4EB3ZB",
}
"""The forges' host keys, compared with the fingerprints they publish."""

PAGES = {
    "github.com": "https://github.com/{path}/settings/keys/new",
    "gitlab.com": "https://gitlab.com/{path}/-/settings/repository#js-deploy-keys-settings",
    "codeberg.org": "https://codeberg.org/{path}/settings/keys",
}
"""Where a deploy key is pasted."""

SENT = (
    "agent",
    "systemd",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "requirements/agent.txt",
    "requirements/build.txt",
)
"""What of this checkout is the agent."""

EXAMPLE = ("desired-state.yaml", "docs/desired-state.schema.json", "app", "requirements")
"""What of this checkout is an app like any user's: the first commit of a repository we make."""

PYTHONS = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")


class Failed(Exception):  # noqa: N818 - reads as it is meant: `except Failed`
    """A step cannot be done: why, and what to type. `told`: the person has seen it."""

    told = False

    def __init__(self, cause: str, hint: str = "", *, code: int = FAILED) -> None:
        super().__init__(f"{cause}; {hint}" if hint else cause)
        self.cause, self.code = cause, code


class Misused(Exception):  # noqa: N818
    """The command line asks for what cannot be."""


# What the person sees


class Console:
    """One line for each step; on a terminal the line of the current one shows its time."""

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not json
        self.asks = sys.stdin.isatty() and self.live
        self.would_change = False
        self._lock = threading.Lock()

    def line(self, text: str = "") -> None:
        # The terminal may be gone while the last things are put away.
        out = sys.stderr if self.json else sys.stdout
        with self._lock, contextlib.suppress(OSError):
            print(f"\r\033[K{text}" if self.live else text, file=out, flush=True)

    def result(self, state: str, name: str, detail: str, seconds: float) -> None:
        if self.json:
            print(
                json.dumps({"step": name, "state": state, "detail": detail, "seconds": round(seconds, 1)}), flush=True
            )
        else:
            self.line(f"{state:<8} {name:<11} {detail} ({seconds:.1f} s)")

    def flicker(self, text: str) -> None:
        with self._lock, contextlib.suppress(OSError):
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{text[:width]}", end="", flush=True)

    def ask(self, question: str) -> bool:
        with self._lock, contextlib.suppress(EOFError):
            return input(f"\r\033[K{question} [yes/no] ").strip().lower() in {"y", "yes"}
        return False

    @contextlib.contextmanager
    def step(self, name: str, *, quiet: bool = False) -> Iterator[Step]:
        """`quiet` keeps the terminal free for a program that may ask something there."""
        step = Step(self, name)
        ticker = threading.Thread(target=step.tick, daemon=True)
        if self.live and not quiet:
            ticker.start()
        try:
            yield step
        except Failed as failure:
            step.end("failed", str(failure))
            failure.told = True
            raise
        except KeyboardInterrupt:
            step.end("stopped", step.doing)
            raise
        finally:
            step.over.set()
        step.end(step.state, step.detail)


WOULD = "would change"


class Step:
    """`state` is ok until something was changed."""

    def __init__(self, console: Console, name: str) -> None:
        self.state, self.detail, self.doing = "ok", "", ""
        self.over = threading.Event()
        self._console, self._name, self._start = console, name, time.monotonic()

    def done(self, state: str, detail: str) -> None:
        """`state`: ok, changed or, with --dry-run, would change. A step that was not ok once stays so."""
        self.state, self.detail = state.strip() if self.state == "ok" else self.state, detail

    def would(self, detail: str) -> None:
        self.done(WOULD, detail)

    def end(self, state: str, detail: str) -> None:
        self._console.would_change |= state == WOULD
        self._console.result(state, self._name, detail, self._seconds)

    def tick(self) -> None:
        while not self.over.wait(0.2):
            self._console.flicker(f"...      {self._name:<11} {self.doing} {self._seconds:.0f} s")

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._start


# Programs, here and there


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def cause(self) -> str:
        """The line that tells most: the last one marked as an error, else the last one."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        marked = [line for line in lines if re.match(r"(?i)e:|error|fatal", line)]
        return (marked or lines or [f"it ended with {self.code} and said nothing"])[-1]


def run(argv: Sequence[str], *, given: bytes = b"", within: float, env: Mapping[str, str], own_session: bool) -> Answer:
    """To the end, or to the deadline (seconds). `own_session`: it has no terminal, and all it started ends with it."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(env),
        start_new_session=own_session,
    )
    try:
        out, err = process.communicate(given, timeout=within)
    except BaseException as error:
        _kill(process, group=own_session)
        if isinstance(error, subprocess.TimeoutExpired):
            raise Failed(f"{Path(argv[0]).name} did not end within {_long(within)}") from None
        raise
    return Answer(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def _kill(process: subprocess.Popen[bytes], *, group: bool) -> None:
    with contextlib.suppress(ProcessLookupError):
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.communicate()


def script_text(name: str) -> str:
    """What runs over there: install/NAME.sh."""
    return (HERE / "install" / f"{name}.sh").read_text()


MARK = "gitops-vm-answers"
SKIP = 'line=; until [ "$line" = "$0" ]; do IFS= read -r line || exit 1; done; line=; exec "$@"'
"""For sh: read to MARK, and be the command that follows."""


class Machine:
    """Where the agent is to run. `root`: its one directory, empty for the usual two below the home."""

    name = "this machine"
    address = "127.0.0.1"
    pythons: tuple[str, ...] = (sys.executable, *PYTHONS)
    become: tuple[str, ...] | None = None
    """The words before a command's own that run it as root; None: it cannot be."""
    password = b""
    """What they read first, if they do ask for one."""

    def __init__(self, root: str = "") -> None:
        self.root = root
        ours = {"GITOPS_VM_HOME", *FORGE_TOKENS}
        self.environ = {name: value for name, value in os.environ.items() if name not in ours}
        if root:
            self.environ["GITOPS_VM_HOME"] = root

    def answer(self, argv: Sequence[str], *, given: bytes = b"", within: float = 60) -> Answer:
        try:
            return run(argv, given=given, within=within, env=self.environ, own_session=True)
        except FileNotFoundError as error:
            return Answer(127, "", str(error))  # as a shell would, and ssh with it

    def as_root(self, argv: Sequence[str], *, given: bytes = b"", within: float = 60) -> Answer:
        """The same as root, which takes `become`. A password that sudo did not ask for never reaches the command."""
        words = [*(self.become or ()), "sh", "-c", SKIP, MARK, *argv]
        return self.answer(words, given=self.password + MARK.encode() + b"\n" + given, within=within)

    def call(self, script: str, *arguments: str, given: bytes = b"", within: float = 60, root: bool = False) -> str:
        """What the script install/NAME.sh printed; Failed with the cause it gave."""
        words = ["sh", "-c", script_text(script), f"{script}.sh", *arguments]
        answer = (self.as_root if root else self.answer)(words, given=given, within=within)
        if answer.code:
            raise Failed(answer.cause, code=answer.code)
        return answer.out

    def ask(self, script: str, data: str, *arguments: str, given: bytes = b"") -> dict[str, str]:
        """The JSON that install/NAME.py printed, run by the agent's own Python below `data`."""
        text = (HERE / "install" / f"{script}.py").read_text()
        answer = self.answer(
            [f"{data}/agent/current/bin/python", "-I", "-c", text, *arguments], given=given, within=200
        )
        if answer.code:
            raise Failed(answer.cause)
        said: dict[str, str] = json.loads(answer.out)
        return said


@dataclass(frozen=True)
class Key:
    """A key to log in with. `file`: what `ssh -i` takes, the public half for one that only an agent holds."""

    file: Path
    public: str
    """Its line in an authorized_keys file."""

    @property
    def blob(self) -> str:
        return self.public.split()[1]

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.blob)


def alone(key: Key | str) -> list[str]:
    """How to log in with this key and, whatever an agent offers, no other."""
    return ["-i", str(key.file if isinstance(key, Key) else key), "-oIdentitiesOnly=yes"]


def key_of(file: Path) -> Key:
    """The key in a file, private or public. Failed when its public half cannot be known."""
    half = file if file.suffix == ".pub" else Path(f"{file}.pub")
    if half.exists():
        public = half.read_text(errors="replace").strip()
        if not re.match(r"\S+ AAAA[0-9A-Za-z+/]+={0,2}(\s|\Z)", public):
            raise Failed(f"{half} is not a public key", f"type: ssh-keygen -y -f {half.with_suffix('')} > {half}")
        if (many := len([line for line in public.splitlines() if line.strip()])) > 1:
            raise Failed(f"{half} holds {many} keys", f"one at a time; their fingerprints: ssh-keygen -lf {half}")
        return Key(file, public)
    # ssh-keygen looks at the modes first, whatever it is: they are to be changed for a key only.
    if os.access(file, os.R_OK) and b"-----BEGIN " not in file.read_bytes():
        raise Failed(f"{file} is not a private key", "name one, or a public one in a file that ends in .pub")
    answer = run(["ssh-keygen", "-y", "-P", "", "-f", str(file)], within=10, env=os.environ, own_session=True)
    if answer.code:
        # Whether its modes or its passphrase are the matter: ssh-keygen says so.
        raise Failed(f"{file}: {answer.cause}", f"type: chmod 600 {file}; ssh-keygen -y -f {file} > {half}")
    return Key(file, answer.out.strip())


PASSING = r"kex_exchange_identification|Connection (reset|closed) by|Broken pipe|not responding"
"""What a busy sshd (MaxStartups) or one that is just starting says to a login that would be good."""
RESTARTING = rf"{PASSING}|Connection refused"
"""The same, of one that has let us in before: the undoing of another run may start it anew."""


def patiently(ask: Callable[[], Answer], passing: str = PASSING) -> Answer:
    """What becomes of a login once sshd has listened; for 8 seconds it is given the chance."""
    for pause in (0.2, 0.5, 1, 2, 4):
        answer = ask()
        if not answer.code or not re.search(passing, answer.err):
            return answer
        time.sleep(pause)
    return ask()


def access(options: argparse.Namespace) -> list[str]:
    """How the VM was said to be reached, as ssh and this program both take it."""
    chosen = (("-p", options.port), ("-i", options.identity), ("-J", options.jump), ("-F", options.ssh_config))
    return [word for name, value in chosen if value for word in (name, str(value))]


class VM(Machine):
    """A machine behind ssh.

    The user's own configuration is resolved once and then handed on word by word, so that a proof depends on nothing
    else. One connection serves all steps; it lives in a directory of ours and ends with it.
    """

    pythons = PYTHONS

    def __init__(self, options: argparse.Namespace, directory: Path, *, asks: bool) -> None:
        super().__init__()
        self.name, self.directory = options.target, directory
        self.asks, self._access = asks, access(options)
        self.known = f"; vms.ini has {', '.join(options.sections)}" if options.sections else ""
        self._hop = [*HOP, *(["-F", options.ssh_config] if options.ssh_config else [])]
        if not shutil.which("ssh"):
            raise Failed("ssh is not installed here", "type: sudo apt-get install openssh-client")
        resolved = run(["ssh", "-G", *self._access, "--", self.name], within=10, env=os.environ, own_session=False)
        if resolved.code:
            raise Failed(f"ssh does not understand it: {resolved.cause}", "check -p, -J, -F and ~/.ssh/config")
        self.config = [(line.split(" ", 1)[0], line.split(" ", 1)[-1]) for line in resolved.out.splitlines()]
        self.address, self.port = self.setting("hostname"), self.setting("port") or "22"
        self.user = self.setting("user")
        self.known_hosts = Path.home() / ".config" / "gitops-vm" / "known_hosts"
        """Ours: what a fingerprint was given for, or confirmed."""
        self.known_for_now = directory / "known_hosts"
        """What a --dry-run has learned."""
        self.pinned = False
        """Whether the user's own ssh does not know the host key, and that file does."""
        files = [
            str(self.known_for_now),
            str(self.known_hosts),
            *self.setting("userknownhostsfile").split(),
            *self.setting("globalknownhostsfile").split(),
        ]
        self.trusted = [str(Path(file).expanduser()) for file in files if file != "none"]
        self._way = [*FIXED, *self._carried(), *self._trusted(), "-p", self.port, "-l", self.user]
        self._login: list[str] = []

    def setting(self, name: str) -> str:
        return next((value for key, value in self.config if key == name), "")

    @property
    def typed(self) -> list[str]:
        """What a person types after `ssh` to get in: the options that were given or are needed, and the name."""
        known = ["-o", f"UserKnownHostsFile={self.known_hosts}"] if self.pinned else []
        return [*self._access, *known, self.name]

    @property
    def _copying(self) -> list[str]:
        """The same after `ssh-copy-id`, which has no -J."""
        words = self.typed
        if "-J" in words:
            place = words.index("-J")
            words[place : place + 2] = [f"-oProxyJump={words[place + 1]}"]
        return words

    @property
    def known_as(self) -> str:
        """Its name in known_hosts, sshd(8)."""
        plain_name = self.address if self.port == str(SSH_PORT) else f"[{self.address}]:{self.port}"
        return self.setting("hostkeyalias") or plain_name

    def _carried(self) -> list[str]:
        words = [f"-o{name}={value}" for name, value in self.config if name in CARRIED and value != "none"]
        if jumps := self.setting("proxyjump").replace("none", ""):
            *first, last = jumps.split(",")
            # What holds for the VM holds for the way there; -J itself would drop our options.
            hop = ["ssh", *self._hop, *([] if self.asks else ["-oBatchMode=yes"])]
            hop += ["-J", ",".join(first)] if first else []
            words.append(f"-oProxyCommand={shlex.join([*hop, '-W', '[%h]:%p', '--', _as_url(last)])}")
        return words

    def _trusted(self) -> list[str]:
        quoted = " ".join(f'"{file}"' for file in self.trusted)
        return [f"-oUserKnownHostsFile={quoted}", "-oGlobalKnownHostsFile=/dev/null"]

    # Keys

    def own_keys(self) -> list[str]:
        """The files ssh would try, those that are there."""
        names = [Path(value).expanduser() for key, value in self.config if key == "identityfile"]
        return [str(file) for file in names if file.exists() or Path(f"{file}.pub").exists()]

    def fresh(self, login: Sequence[str]) -> Answer:
        """A new connection that asks nobody and shares nothing, with all that ssh says of it."""
        alone = ["ssh", "-v", "-oBatchMode=yes", "-oControlMaster=no", "-oControlPath=none"]
        words = [*alone, *login, *self._way, "-T", "--", self.address, "echo in-$((40+2))"]
        passing = RESTARTING if self._login else PASSING
        return patiently(lambda: run(words, within=40, env=os.environ, own_session=False), passing)

    def use(self, login: Sequence[str]) -> None:
        """Serve all steps through a login of this kind from now on. What ssh asks (a password) is for the terminal."""
        path = self.directory / str(len(list(self.directory.iterdir())))
        asks = [] if self.asks else ["-oBatchMode=yes"]
        self._login = [
            *login,
            *asks,
            "-oControlMaster=auto",
            "-oControlPersist=60",
            f"-oControlPath={path}",
            "-oLogLevel=ERROR",
        ]
        answer = patiently(lambda: self._said(["true"], b"", 180 if self.asks else 40))
        if answer.code:
            raise self.explained(answer)

    def agent_socket(self) -> dict[str, str]:
        """The environment that leads to the agent this user's ssh asks."""
        chosen = self.setting("identityagent")
        return {"SSH_AUTH_SOCK": str(Path(chosen).expanduser())} if chosen.startswith(("/", "~")) else {}

    # Commands

    def answer(self, argv: Sequence[str], *, given: bytes = b"", within: float = 60) -> Answer:
        answer = self._said(argv, given, within)
        if answer.code == SSH_FAILED and not answer.out:
            raise self.explained(answer)
        return answer

    def _said(self, argv: Sequence[str], given: bytes, within: float) -> Answer:
        # What the login shell says of its own accord (a greeting in .bashrc) comes before the mark.
        command = f"echo {MARK} && exec {shlex.join(argv)}"
        words = ["ssh", *self._login, *self._way, "-T", "--", self.address, command]
        said = run(words, given=given, within=within, env=os.environ, own_session=False)
        return Answer(said.code, said.out.partition(f"{MARK}\n")[2], said.err)

    def gain(self, facts: Mapping[str, str], *, asks: bool) -> str:
        """Find out how to become root; in words for a person."""
        given = os.environ.get("GITOPS_VM_SUDO_PASSWORD", "")
        if "root" in facts:
            self.become = ()
            return ""
        if facts.get("sudo") == "yes":
            self.become = ("sudo", "-n")
            return ", sudo without a password"
        if facts.get("sudo") == "asks" and not given and asks:
            given = getpass.getpass(f"sudo password of {self.user} at {self.address} (Enter if it may not use sudo): ")
        if not given:
            return ", no sudo"
        words, password = ("sudo", "-S", "-k", "-p", ""), given.encode() + b"\n"
        if self.answer([*words, "sh", "-c", ":"], given=password).code:
            raise Failed(
                f"sudo on {self.name} does not accept the password of {self.user}", "check GITOPS_VM_SUDO_PASSWORD"
            )
        self.become, self.password = words, password
        return ", sudo with a password"

    def end(self) -> None:
        for path in self.directory.glob("[0-9]*"):
            words = ["ssh", f"-oControlPath={path}", "-O", "exit", "--", self.address]
            with contextlib.suppress(Failed):
                run(words, within=10, env=os.environ, own_session=False)

    def explained(self, answer: Answer, *, otherwise: str = "") -> Failed:
        """What ssh's words mean, and what to type; `otherwise` where it is sshd that does not want the key."""
        place = {"user": self.user, "host": self.address, "port": self.port, "known": self.known}
        place.update(login=shlex.join(self.typed), copy=shlex.join(self._copying), entry=self.known_as)
        place["file"] = str(Path.home() / ".ssh" / "known_hosts")
        for signs, cause, hint in SSH_FAILURES:
            if found := re.search(signs, answer.err):
                place.update({name: value for name, value in found.groupdict().items() if value})
                if place["host"].lower() != self.address.lower():
                    place.update(login=place["host"], copy=place["host"], known=", which is on the way there")
                chosen = otherwise if otherwise and signs == REFUSED else hint
                return Failed(cause.format(**place), chosen.format(**place))
        own_words = [line for line in answer.err.splitlines() if not line.startswith(("debug", "OpenSSH_"))]
        said = Answer(answer.code, "", "\n".join(own_words)).cause
        return Failed(f"ssh {self.name}: {said}", f"try: ssh -v {place['login']} true")


FIXED = (
    *("-F", "none", "-oRequestTTY=no", "-oClearAllForwardings=yes", "-oForwardAgent=no", "-oStrictHostKeyChecking=yes"),
    *("-oConnectTimeout=10", "-oServerAliveInterval=5", "-oServerAliveCountMax=3", "-oUpdateHostKeys=no"),
)
"""What must hold, whatever the user's own configuration says."""

HOP = (
    "-oStrictHostKeyChecking=yes",
    "-oForwardAgent=no",
    "-oControlMaster=no",
    "-oControlPath=none",
    "-oConnectTimeout=10",
)

CARRIED = frozenset(
    [
        *("proxycommand", "identityagent", "certificatefile", "pkcs11provider", "securitykeyprovider", "hostkeyalias"),
        *("bindaddress", "bindinterface", "addressfamily", "kexalgorithms", "ciphers", "macs"),
        *("pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes"),  # OpenSSH 8.5 renamed it
    ]
)
"""What else of the user's configuration decides whether a login works (ssh_config(5))."""


def _as_url(jump: str) -> str:
    """[USER@]HOST[:PORT] as one word for ssh."""
    return f"ssh://{jump}" if re.search(r":\d+\Z", jump) else jump


REFUSED = r"(?:(?P<user>\S+)@(?P<host>\S+): )?Permission denied \(|Too many authentication failures"
CHANGED = (
    r"REMOTE HOST IDENTIFICATION HAS CHANGED(?:[\s\S]*?Offending \S+ key in (?P<file>.+):\d+)?"
    r"(?:[\s\S]*?Host key for (?P<entry>\S+) has changed)?"
)
SSH_FAILURES = (
    (CHANGED, "the host key of {entry} is not the one you know",
     "if it was set up anew: ssh-keygen -R '{entry}' -f '{file}' and again with --host-key-fingerprint SHA256:..."),
    (r"(?:No \S+ host key is known for (?P<entry>\S+) [\s\S]*)?Host key verification failed",
     "the host key of {entry} is not known here",
     "log in once and compare it: ssh {login}, or give --host-key-fingerprint SHA256:..."),
    (r"Permissions 0\d+ for '(?P<file>.+)' are too open", "ssh ignores a key that others can read", "type: chmod 600 '{file}'"),
    (r"Server accepts key: (?P<file>\S+)(?![\s\S]*partial success)[\s\S]*Permission denied \(",
     "{host} takes the key, but ssh cannot use it here without its passphrase", "type: ssh-add {file}"),
    (REFUSED, "{host} does not let {user} in with this key",
     "check the user and -i KEY (ssh-add KEY if it has a passphrase), or install it: ssh-copy-id {copy}"),
    (r"Could not resolve hostname (?P<host>[^\s:]+)", "there is no host called {host}", "check the spelling of {host}{known}"),
    (r"(?:connect to host (?P<host>\S+) port (?P<port>\d+): )?Connection refused", "nothing listens on port {port} of {host}",
     "give its ssh port: -p PORT"),
    (r"(?:connect to host (?P<host>\S+) port (?P<port>\d+): .*)?(?:timed out|No route to host|Network is unreachable)",
     "{host} does not answer on port {port}",
     "is it switched on, and open in its firewall? Try: ssh -v {login} true"),
    (r"kex_exchange_identification|Connection reset|banner exchange|Bad packet", "{host} hung up on port {port}",
     "is that its ssh port? Try: ssh -v {login} true"),
    (r"Authenticated to ", "{host} lets {user} in, and then does not run what it is asked to",
     "look there for command= in ~/.ssh/authorized_keys and for ForceCommand: sudo sshd -T"),
)  # fmt: skip
"""From the wording of OpenSSH 8.4 to 9.9: what it means, and what to type."""


# The repository


@dataclass(frozen=True)
class Repository:
    """`scheme` is ssh, https or file; `port` that of ssh."""

    url: str
    scheme: str
    host: str = ""
    port: int = SSH_PORT
    path: str = ""

    @property
    def known_as(self) -> str:
        """The name of its host in known_hosts, sshd(8)."""
        return self.host if self.port == SSH_PORT else f"[{self.host}]:{self.port}"

    @property
    def page(self) -> str:
        """Where on its forge a deploy key is added."""
        page = PAGES.get(self.host, "the deploy keys of {path} (or authorized_keys) at {host}")
        return page.format(path=self.path, host=self.host)

    @property
    def protection(self) -> str:
        """Where on its forge a branch is protected, and how."""
        version, _ = FORGES.get(self.host, ("", ""))
        return DIALECTS[version].protection if version else "a rule or hook there that exempts no deploy key"


def repository(url: str, *, local: bool, option: str = "--repo") -> Repository:
    """Misused for what the agent would refuse; the agent itself has the last word."""
    if re.search(r"\s|\A-|[\x00-\x1f\x7f]", url):
        raise Misused(f"{option}: no spaces and no leading - in the URL of a repository")
    if re.match(r"https?://[^/]*@|ssh://[^/@]*:[^/]*@", url):
        variable = "GIT_TOKEN" if option == "--repo" else "GIT_STATUS_TOKEN"
        raise Misused(f"{option}: no password or token in the URL; put it into {variable} and run this again")
    if match := re.fullmatch(r"ssh://(?:[^@/:]+@)?([^@/:]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?/(.+)", url):
        return Repository(url, "ssh", match[1].strip("[]"), int(match[2] or SSH_PORT), _path(match[3]))
    if match := re.fullmatch(r"https://([^/]+)/(.+)", url):
        return Repository(url, "https", match[1], path=_path(match[2]))
    if local and url.startswith("/"):
        return Repository(url, "file", path=url)
    if match := re.fullmatch(r"(?:[^@/:]+@)?([^@/:]+):(/?[^/].*)", url):
        return Repository(url, "ssh", match[1], path=_path(match[2]))
    raise Misused(f"{option}: {url!r} is not git@host:path, ssh://git@host/path or https://host/path")


def _path(text: str) -> str:
    return text.strip("/").removesuffix(".git")


@dataclass(frozen=True)
class HostKey:
    """A line of known_hosts, sshd(8)."""

    host: str
    kind: str
    blob: str

    @property
    def line(self) -> str:
        return f"{self.host} {self.kind} {self.blob}\n"

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.blob)


def host_keys(text: str) -> list[HostKey]:
    """Those that are written plainly; a hashed name or a marker is none of ours."""
    rows = (line.split() for line in text.splitlines() if not line.startswith(("#", "@", "|")))
    return [HostKey(*row[:3]) for row in rows if row[2:]]


def fingerprint_of(blob: str) -> str:
    """As `ssh-keygen -l` shows it; `blob` is base64."""
    try:
        digest = hashlib.sha256(base64.b64decode(blob, validate=True)).digest()
    except binascii.Error:
        return "unreadable"
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


# The forge: where there is a token for its API, the key is registered there


@dataclass(frozen=True)
class Dialect:
    """How a forge's API speaks of deploy keys, as its reference documents it. `flag` is `writing` for one that may write."""

    name: str
    variables: tuple[str, ...]  # of the environment, for the forge of FORGES that speaks it
    keys: str
    authorization: str
    most: str  # keys that are listed at once
    flag: str
    writing: bool
    scope: str
    protection: str
    caveat: str = ""


DIALECTS = {
    "v3": Dialect(
        "GitHub", ("GITHUB_TOKEN", "GH_TOKEN"), "repos/{path}/keys", "Bearer", "per_page=100", "read_only", False,
        "`Administration: read and write` for this repository (or, a classic one, `repo`)",
        "Settings > Rules > Rulesets: require a pull request and block force pushes, and let no deploy key bypass it",
        "GitHub takes the key away when the token that registered it is deleted"),
    "v4": Dialect(
        "GitLab", ("GITLAB_TOKEN",), "projects/{quoted}/deploy_keys", "Bearer", "per_page=100", "can_push", True,
        "the scope `api` and the role Maintainer",
        "Settings > Repository > Protected branches: allowed to push and merge are Maintainers, and no deploy key"),
    "v1": Dialect(
        "Forgejo", ("CODEBERG_TOKEN",), "repos/{path}/keys", "token", "limit=50", "read_only", False,
        "the scope `write:repository`, of somebody who may administer the repository",
        "Settings > Branches: a rule under which named people push, and deploy keys are not whitelisted"),
}  # fmt: skip
"""By the version in the path of the API: GitHub (Enterprise Server: /api/v3), GitLab (/api/v4), Forgejo and Gitea (/api/v1).

https://docs.github.com/en/rest/deploy-keys, https://docs.gitlab.com/api/deploy_keys/, https://codeberg.org/api/swagger
"""

FORGES = {
    "github.com": ("v3", "https://api.github.com"),
    "gitlab.com": ("v4", "https://gitlab.com/api/v4"),
    "codeberg.org": ("v1", "https://codeberg.org/api/v1"),
}
FORGE_TOKENS = frozenset(("FORGE_TOKEN", *(name for each in DIALECTS.values() for name in each.variables)))
LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
API_FORMS = "https://HOST/api/v4 (GitLab), https://HOST/api/v1 (Forgejo, Gitea) or https://HOST/api/v3 (GitHub)"
SETTLES = 15.0  # seconds after which a key that was registered should open the repository
MOST_OF_AN_ANSWER = 4 * 1024 * 1024  # bytes
FORGE_ANSWERS = (
    (r"429|403.*rate limit", "{name} has had too many requests", "run this again in {pause}"),
    (r"3", "{name} sends us to {where}, where the token does not go",
     "has the repository another name now? Give its new URL: --repo"),
    (r"401", "{name} does not take {token} ({said})", "make one with {scope}"),
    (r"403", "{token} may not add a deploy key to {path} at {name} ({said})", "give it {scope}"),
    (r"404", "{name} shows {token} no repository {path}", "correct --repo, or give the token {scope}"),
    (r"4.*(in use|already been taken|has been used|already exists)",
     "{name} has the key already, in another repository or as somebody's own ({said})",
     "remove it there; or remove deploy_key on the machine and run this again, which makes another"),
    (r"5", "{name} cannot answer ({said})", "try again later, or paste the key there"),
    (r"", "{name} refuses the key ({said})", "paste it there, or ask who runs it"),
)  # fmt: skip
"""By status and message, as GitHub, GitLab and Forgejo word it: what it means, and what to type."""


class Forge:
    """The deploy keys of one repository. Its token goes to this API and nowhere else: neither through a redirect nor into a text."""

    patience = 20.0
    """Seconds for one answer, from the look-up of the name to the last byte."""

    def __init__(self, dialect: Dialect, api: str, path: str, variable: str) -> None:
        self.name, self.caveat, self.protection = dialect.name, dialect.caveat, dialect.protection
        self._dialect, self._path, self._variable = dialect, path, variable
        self._host = urllib.parse.urlsplit(api).hostname or ""
        keys = dialect.keys.format(path=urllib.parse.quote(path), quoted=urllib.parse.quote(path, safe=""))
        self._url = f"{api.rstrip('/')}/{keys}"

    def register(self, public: str, *, write: bool) -> str:
        """Returns ok when the key is there already and may do as much, else changed."""
        kind, blob, *comment = public.split()
        known = next((each for each in self._listed() if str(each.get("key")).split()[1:2] == [blob]), None)
        if known is None:
            flag = {self._dialect.flag: write == self._dialect.writing}
            title = comment[0] if comment else "gitops-vm"
            self._call("", {"title": title, "key": f"{kind} {blob}", **flag})
            return "changed"
        if write and known.get(self._dialect.flag) != self._dialect.writing:
            cause = f"{self.name} knows the key as {known.get('title')!r}, and it may only read"
            raise Failed(cause, "remove it there and run this again: it is then registered with write access")
        return "ok"

    def _listed(self) -> Iterator[dict[str, Any]]:
        for page in range(1, 50):
            found = self._call(f"?{self._dialect.most}&page={page}")
            if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
                raise self._foreign()
            yield from found
            if not found:
                return

    def _call(self, query: str, body: Mapping[str, Any] | None = None) -> Any:
        """GET, or with a body POST."""
        token = plain(os.environ[self._variable].strip(), self._variable)
        headers = {
            "Authorization": f"{self._dialect.authorization} {token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "gitops-vm",
        }
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._url + query, data, headers)  # noqa: S310 - forge() allows https, and http to here
        code, text, fields = self._answer(request)
        if code not in {200, 201}:
            raise self._explained(code, text.replace(token, "***"), fields)
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self._foreign() from None

    def _answer(self, request: urllib.request.Request) -> tuple[int, str, Mapping[str, str]]:
        """Status, content and headers. In a thread of its own: the timeout of a socket is that of a single read."""
        found: list[tuple[int, str, Mapping[str, str]] | BaseException] = []
        asking = threading.Thread(target=lambda: found.append(_asked(request, self.patience)), daemon=True)
        asking.start()
        asking.join(self.patience)
        if not found:
            raise Failed(f"{self._host} did not answer within {self.patience:g} s", "try again, or paste the key there")
        if isinstance(found[0], BaseException):
            cause = " ".join(str(getattr(found[0], "reason", found[0])).split())
            raise Failed(f"{self._host} cannot be asked: {cause}", "is the network up? Else paste the key there")
        return found[0]

    def _foreign(self) -> Failed:
        return Failed(f"what answers at {self._host} is not the API of {self.name}", "check --forge-api")

    def _explained(self, code: int, text: str, fields: Mapping[str, str]) -> Failed:
        said = _message(text)
        facts = {
            "name": self.name,
            "token": f"the token in {self._variable}",
            "scope": self._dialect.scope,
            "path": self._path,
            "said": f"{code}: {said}",
            "where": urllib.parse.urlsplit(fields.get("location", "")).hostname or "another address",
            "pause": _pause(fields),
        }
        cause, hint = next(words for sign, *words in FORGE_ANSWERS if re.match(sign, f"{code} {said}", re.IGNORECASE))
        return Failed(cause.format(**facts), hint.format(**facts))


def forge(repo: Repository, api: str | None) -> Forge | None:
    """That of the repository, if there is a token for it. `api` as `api_url` lets it through.

    FORGE_TOKEN is for the API that was named, and the others each for its own company's: none is shown to another.
    """
    version, address = (_version(api), api) if api else FORGES.get(repo.host, ("", ""))
    dialect = DIALECTS.get(version)
    own = dialect.variables if dialect and address.rstrip("/") == FORGES.get(repo.host, ("", ""))[1] else ()
    names = (*(["FORGE_TOKEN"] if api else []), *own)
    variable = next((name for name in names if os.environ.get(name, "").strip()), "")
    return Forge(dialect, address, repo.path, variable) if dialect and variable else None


def api_url(text: str) -> str:
    """The address of a forge's API to which a token may go."""
    parts = urllib.parse.urlsplit(text)
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
        raise argparse.ArgumentTypeError("a token goes over https only: https://HOST/api/v4")
    if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment or _version(text) not in DIALECTS:
        raise argparse.ArgumentTypeError(f"write {API_FORMS}")
    return text


def _version(api: str) -> str:
    parts = urllib.parse.urlsplit(api)
    return "v3" if parts.hostname == "api.github.com" else parts.path.rstrip("/").rpartition("/")[2]


class _Staying(urllib.request.HTTPRedirectHandler):
    """urllib would send the token on to wherever it is redirected."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _asked(request: urllib.request.Request, timeout: float) -> tuple[int, str, Mapping[str, str]] | BaseException:
    """What was answered, with the headers by their names in lower case; or why nothing was."""
    # Plain http is spoken with this machine only, and through no proxy.
    here = [urllib.request.ProxyHandler({})] if request.type == "http" else []
    try:
        with _opened(urllib.request.build_opener(_Staying, *here), request, timeout) as answer:
            text = answer.read(MOST_OF_AN_ANSWER).decode(errors="replace")
            return answer.status, text, {name.lower(): value for name, value in answer.headers.items()}
    except (OSError, http.client.HTTPException, ValueError) as error:
        return error


def _opened(opener: urllib.request.OpenerDirector, request: urllib.request.Request, timeout: float) -> Any:
    try:
        return opener.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:  # an answer like any other
        return error


def _message(text: str) -> str:
    """A forge's own words in an answer that is an error, on one line."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    keys = ("message", "error", "error_description", "errors")
    words = [said.get(key) for key in keys] if isinstance(said, dict) else []
    told = "; ".join(word if isinstance(word, str) else json.dumps(word) for word in words if word)
    return re.sub(r"[^ -~]+", " ", told)[:300] or "it says no more"


def _pause(fields: Mapping[str, str]) -> str:
    """How long a forge asks us to wait: Retry-After in seconds, or the time at which its limit ends."""
    if fields.get("retry-after", "").isdigit():
        return f"{fields['retry-after']} s"
    end = fields.get("x-ratelimit-reset") or fields.get("ratelimit-reset") or ""
    return f"{max(1, int(end) - int(time.time()))} s" if end.isdigit() else "some minutes"


# The steps. Each method is one line on the terminal


class Setup:
    """One run: looks, changes what is not so yet, says what it did."""

    def __init__(self, console: Console, machine: Machine, options: argparse.Namespace) -> None:
        self.console, self.machine, self.options = console, machine, options
        self.facts: dict[str, str] = {}
        self.source: dict[str, str] = {}
        self.own: Key | None = None
        self.agent_changed = self.has_token = self.own_works = False
        self.status_door: Door | None = None
        """Where the evidence goes, if not to the repository of the code."""
        self.example: Callable[[], contextlib.AbstractContextManager[Path]] | None = None
        """The files that are pushed where nothing is yet."""

    @property
    def dry(self) -> bool:
        """Whether to look only, and say what would be changed."""
        return bool(self.options.dry_run)

    @property
    def interactive(self) -> bool:
        return self.console.asks and not self.options.yes

    def look(self) -> None:
        """What the machine is; Failed when the agent cannot run on it."""
        with self.console.step("machine", quiet=self.interactive) as step:
            self.learn()
            if isinstance(self.machine, VM) and "systemd" not in self.facts:
                raise Failed(
                    f"{self.machine.name} was not booted with systemd, which runs the agent there",
                    "take a VM (no container) with Debian 12 or Ubuntu 24.04, or newer",
                )
            rights = self.machine.gain(self.facts, asks=self.interactive) if isinstance(self.machine, VM) else ""
            step.done("ok", f"{self.facts['os']}, {self.facts['user']}@{self.facts['hostname']}{rights}")

    def learn(self) -> None:
        said = self.machine.call("facts", self.machine.root, *self.machine.pythons)
        self.facts = dict(line.split("=", 1) for line in said.splitlines())

    def fits(self) -> None:
        """Whether there is room for an installation, and a clock that TLS and git can go by."""
        with self.console.step("room") as step:
            health = measured(self)
            free, offset = int(health["disk_kb"]), int(health["offset"])
            if free < TIGHT_KB and "agent" not in self.facts:
                cause = f"{size(free)} free on {health['disk']}; agent and app need {size(TIGHT_KB)} to begin with"
                raise Failed(cause, f"type there: {FREE_SPACE}")
            if abs(offset) > CLOCK_AT_INSTALL:
                raise Failed(f"its clock is {clock_words(offset)}: TLS and git would fail", SET_CLOCK)
            step.done("ok", f"{size(free)} free on {health['disk']}, clock {clock_words(offset)}")

    def packages(self, repo: Repository) -> None:
        own = self.options.status_repo
        others = [repository(own, local=True, option="--status-repo")] if own else []
        ssh = "ssh" in {each.scheme for each in (repo, *others)}
        with self.console.step("packages") as step:
            missing = missing_packages(self.facts, ssh=ssh)
            if missing and self.dry:
                return step.would(f"apt-get install {' '.join(missing)}")
            if missing:
                step.doing = f"installing {' '.join(missing)}"
                self.install_packages(missing)
                self.learn()
            if left := missing_packages(self.facts, ssh=ssh):
                raise Failed(f"still missing on {self.machine.name}: {' '.join(left)}")
            python = self.facts["python"]
            return step.done("changed" if missing else "ok", " ".join(missing) or f"git, {python} with venv")

    def install_packages(self, missing: Sequence[str]) -> None:
        line = f"sudo apt-get install {' '.join(missing)}"
        if self.machine.become is None:
            raise Failed(f"{self.machine.name} lacks {' and '.join(missing)}", f"type there: {line}")
        if "apt-get" not in self.facts:
            raise Failed(f"{self.machine.name} lacks {' and '.join(missing)} and has no apt-get", "install them there")
        self.machine.call("packages", *missing, within=900, root=True)

    def agent(self) -> None:
        with self.console.step("agent") as step:
            name, content = packed(HERE)
            self.agent_changed = self.facts.get("agent") != name
            if self.agent_changed and self.dry:
                step.state = WOULD
            elif self.agent_changed:
                step.doing = "installing it into an environment of its own"
                link = "" if self.machine.root else f"{self.facts['home']}/.local/bin/gitops-vm"
                arguments = (self.facts["data"], name, self.facts["python"], link)
                step.state = self.machine.call("agent", *arguments, given=content, within=1200).strip()
            step.done(step.state, name)

    def key(self, kind: str = "deploy") -> str:
        """The public half of the key the agent logs in with at its repository (deploy), or at that for the evidence (status)."""
        with self.console.step(f"{kind} key") as step:
            file, given = f"{self.facts['config']}/{kind}_key", getattr(self.options, f"{kind}_key")
            if self.dry and (given or self._lacks(file)):
                there = self.machine.answer(["cat", file]).out
                same = given and there == private_key(Path(given))
                step.done("ok" if same else WOULD, "the one given" if given else "it is made on the machine")
                return ""
            uploaded = self._put(file, "600", private_key(Path(given))) if given else "ok"
            comment = "gitops-vm" if kind == "deploy" else f"gitops-vm-{kind}"
            made, public = self.machine.call("key", file, f"{comment}@{self.facts['hostname']}").split("\n", 1)
            step.done("changed" if uploaded == "changed" else made, fingerprint_of(public.split()[1]))
            return public.strip()

    def trust(self, repo: Repository, option: str = "repo_host_key") -> None:
        """Write down which host key is the repository's: from our list, by its fingerprint, or because you say so."""
        with self.console.step("host key", quiet=self.interactive) as step:
            file, wanted = f"{self.facts['config']}/known_hosts", getattr(self.options, option)
            known = host_keys(self.machine.answer(["cat", file]).out)
            ours = [key for key in known if key.host == repo.known_as]
            chosen = [key for key in ours if wanted in (None, key.fingerprint)] or [
                self._host_key(repo, wanted, option)
            ]
            kept = [key for key in known if key.host != repo.known_as]
            state = self._put(file, "600", "".join(key.line for key in kept + chosen)) if chosen != ours else "ok"
            step.done(state, f"{repo.known_as} {chosen[0].fingerprint}")

    def _host_key(self, repo: Repository, wanted: str | None, option: str) -> HostKey:
        pinned = PINNED.get(repo.known_as)
        shown = [HostKey(repo.known_as, *pinned.split())] if pinned else self._scan(repo)
        if wanted is None:
            return shown[0] if pinned else self._confirmed(shown[0], repo, option)
        for key in shown:
            if key.fingerprint == wanted:
                return key
        seen = ", ".join(key.fingerprint for key in shown)
        raise Failed(f"{repo.known_as} has the host key {seen}, not {wanted}", "ask whoever runs it which one is right")

    def _scan(self, repo: Repository) -> list[HostKey]:
        """The keys the server shows to the machine, the strongest first."""
        words = ["ssh-keyscan", "-T", "10", "-p", str(repo.port), "--", repo.host]
        keys = host_keys(self.machine.answer(words, within=40).out)
        if not keys:
            raise Failed(f"no ssh server answers at {repo.host}:{repo.port}", f"check {repo.url}")
        order = ("ssh-ed25519", "ecdsa-sha2-nistp256")
        return sorted(
            (HostKey(repo.known_as, key.kind, key.blob) for key in keys),
            key=lambda key: order.index(key.kind) if key.kind in order else len(order),
        )

    def _confirmed(self, key: HostKey, repo: Repository, option: str) -> HostKey:
        shown = f"{repo.known_as} shows the host key {key.fingerprint} ({key.kind})"
        if self.interactive and self.console.ask(f"{shown}. Is it the one its operators publish?"):
            return key
        added = f"--{option.replace('_', '-')} {key.fingerprint}"
        raise Failed(shown, f"compare it with what its operators publish, then add: {added}")

    def credentials(self, repo: Repository, kind: str = "") -> None:
        """For https: user and token in a file that only this user reads. One that is there stays.

        `kind` is "status_" for those of the evidence's own repository.
        """
        with self.console.step("credentials", quiet=self.interactive) as step:
            variable, named = f"GIT_{kind.upper()}TOKEN", f"GIT_{kind.upper()}USERNAME"
            file, token = f"{self.facts['config']}/{kind}credentials", os.environ.get(variable, "").strip()
            there = self.machine.answer(["test", "-s", file]).code == 0
            if not token and not there and self.interactive:
                token = getpass.getpass(f"token for {repo.host} (read and write access to {repo.path}): ").strip()
            if token:
                user = os.environ.get(named, "git")
                step.done(self._put(file, "600", f"{plain(user, named)}:{plain(token, variable)}\n"), f"user {user}")
            elif there:
                step.done("ok", "as they were")
            elif self.dry:
                step.would("a token is asked for")
            else:
                line = f"read -rs {variable} && export {variable}"
                raise Failed(f"{repo.host} needs a token for {repo.path}", f"type: {line}, and again")

    def evidence(self, code: Repository) -> None:
        """Where the evidence has a repository of its own, chosen now or before: that, and the machine's key or token for it."""
        url = self.options.status_repo or self._status_repo_of_before()
        if not url:
            return
        repo, public = repository(url, local=not isinstance(self.machine, VM), option="--status-repo"), ""
        if repo.scheme == "ssh":
            public = self.key("status")
            if repo.known_as != code.known_as:
                self.trust(repo, "status_host_key")
        elif repo.scheme == "https":
            self.credentials(repo, "status_")
        self.status_door = Door(repo, public)

    def _status_repo_of_before(self) -> str:
        written = self.machine.answer(["cat", f"{self.facts['config']}/source.yaml"]).out
        if "status" in written and not (self.dry and self.agent_changed):
            with contextlib.suppress(Failed):  # what is wrong with it, the step that writes it says
                return self.followed()["statusURL"]
        return ""

    def access(self, repo: Repository, public: str) -> None:
        """Wait until the machine is let in: somebody may have to add its keys first."""
        code, doors = Door(repo, public), [Door(repo, public), *([self.status_door] if self.status_door else [])]
        with self.console.step("repository") as step:
            if self.dry and (self.agent_changed or any(door.keyless for door in doors)):
                return step.would("it is asked once the agent and its key are there")
            if self.dry and self._is_to_be_made(repo):
                return step.would(f"{repo.url} is made, with the example app in it")
            return Admission(self, step, code, self.status_door).run()

    def _is_to_be_made(self, repo: Repository) -> bool:
        """Whether it is the one beside the agent, and not there yet."""
        return repo.scheme == "file" and not self.options.repo and not Path(repo.url).exists()

    def ask_repository(self, verb: str, repo: Repository, *rest: str) -> dict[str, str]:
        """What install/repository.py says."""
        ref = self.source.get("ref", f"refs/heads/{self.options.branch or 'main'}")
        return self.machine.ask("repository", self.facts["data"], verb, repo.url, ref, *rest)

    def declare(self, repo: Repository) -> None:
        """source.yaml: what is followed. What somebody else wrote into it stays."""
        with self.console.step("source") as step:
            name = self.options.name or host_name(self.facts["hostname"])
            fixed: dict[str, Any] = {"url": repo.url, **_packages(self.options)}
            defaults: dict[str, Any] = {"host": name, "url": repo.url, "ref": {"branch": "main"}}
            for key, value in (("host", self.options.name), ("path", self.options.path)):
                fixed.update({key: value} if value else {})
            fixed.update({"ref": {"branch": self.options.branch}} if self.options.branch else {})
            fixed.update({"status": {"url": self.status_door.repo.url}} if self.status_door else {})
            if self.dry and self.agent_changed:
                return step.would(f"{name} follows {repo.url}")
            given = json.dumps({"fixed": fixed, "defaults": defaults, "dry": self.dry}).encode()
            self.source = self.machine.ask(
                "source", self.facts["data"], f"{self.facts['config']}/source.yaml", given=given
            )
            if self.source["state"] == "invalid":
                raise Failed(self.source["message"])
            return step.done(self.source["state"], f"{self.source['host']} follows {self.source['ref']}")

    def followed(self) -> dict[str, str]:
        """What source.yaml says: url, ref, host, status and statusURL. Failed where there is none."""
        file = f"{self.facts['config']}/source.yaml"
        if self._lacks(file):
            raise Failed(
                f"{file} is not there, or empty: nothing is followed", "give bootstrap.py the repository: --repo URL"
            )
        given = json.dumps({"fixed": {}, "defaults": {}, "dry": True}).encode()
        said = self.machine.ask("source", self.facts["data"], file, given=given)
        if said["state"] == "invalid":
            raise Failed(said["message"])
        return said

    def secrets(self, settings: Mapping[str, str]) -> None:
        """The app's environment file: the values given, beside what is there."""
        with self.console.step("token", quiet=self.interactive) as step:
            file = f"{self.facts['config']}/env"
            self.has_token = self.machine.answer(["grep", "-q", "^HF_TOKEN=.", file]).code == 0
            if not (self.has_token or "HF_TOKEN" in settings or self.dry) and self.interactive:
                token = getpass.getpass("HF_TOKEN, if the app uses Hugging Face (Enter for none): ").strip()
                settings = {**settings, **({"HF_TOKEN": token} if token else {})}
            for name, value in settings.items():
                step.done(self._set(file, name, plain(value, name)), "")
            self.has_token |= "HF_TOKEN" in settings
            known = "HF_TOKEN is set" if self.has_token else "no HF_TOKEN, which an app that asks Hugging Face needs"
            step.done(step.state, known)

    def _set(self, file: str, name: str, value: str) -> str:
        if self.dry:
            same = self.machine.answer(["grep", "-qxFf", "-", file], given=f"{name}={value}\n".encode())
            return WOULD if same.code else "ok"
        return self.machine.call("setting", file, name, given=value.encode())

    def linger(self) -> None:
        with self.console.step("linger") as step:
            if self.dry and "linger" not in self.facts:
                return step.would(f"loginctl enable-linger {self.facts['user']}")
            if self.machine.become is not None and "linger" not in self.facts:
                self.machine.as_root(["loginctl", "enable-linger", self.facts["user"]])
                step.done("changed", "")
            state = self.machine.call("linger")
            if "linger" not in self.facts:
                # `uninstall` turns off what was turned on here, and nothing else.
                self._put(f"{self.facts['config']}/lingering", "600", "turned on by bootstrap.py\n")
            return step.done(state, f"{self.facts['user']}'s services run without a login")

    def capabilities(self) -> None:
        """What the machine can enforce on a service, tried once and written where the agent tells of it."""
        with self.console.step("limits") as step:
            file = f"{self.facts['data']}/state/machine.json"
            if self.dry:
                # The trials are services, if short ones.
                return step.done(WOULD if self._lacks(file) else "ok", "what services get here is tried once")
            rows = (line.split("=", 1) for line in self.machine.call("enforce", within=120).splitlines())
            found = {name: _typed(value) for name, value in rows if name != "disk_free"}  # that one never stays
            state = self._put(file, "600", f"{json.dumps(found, indent=1, sort_keys=True)}\n")
            held = [words for name, words in LIMITS.items() if found.get(name) is True]
            lacking = [f"no {words}" for name, words in LIMITS.items() if found.get(name) is False]
            return step.done(state, "; ".join([f"services get {', '.join(held) or 'nothing of their own'}", *lacking]))

    def service(self) -> None:
        with self.console.step("service") as step:
            unit = "gitops-agent.service"
            file = f"{self.facts['home']}/.config/systemd/user/{unit}"
            written = self._put(file, "644", (HERE / "systemd" / unit).read_text())
            if self.dry:
                runs = self.machine.answer(["systemctl", "--user", "is-active", unit]).code == 0
                return step.done(written if runs else WOULD, f"{unit} is enabled and runs")
            restart = "yes" if self.agent_changed or written == "changed" else ""
            return step.done(self.machine.call("service", unit, restart), f"{unit} is enabled and runs")

    def ready(self) -> dict[str, Any]:
        """Wait until what is declared runs, as a pass of the agent made now finds it; the status it has then."""
        with self.console.step("ready") as step:
            end = time.monotonic() + self.options.wait
            status = self._said_anew(step, end)
            while True:
                ready = condition(status, "Ready")
                step.doing = ready["message"]
                if ready["status"] == "True":
                    step.done("ok", ready["message"])
                    return status
                if ready["reason"] == "PortInUse":
                    raise Failed(f"{ready['message']}{self._holder(ready['message'])}", "stop it, or declare another service.port")  # fmt: skip
                if condition(status, "Stalled")["status"] == "True" or time.monotonic() > end:
                    raise Failed(f"{ready['reason']}: {ready['message']}", f"look: {self.command('status')}")
                time.sleep(1)
                status = self.status()

    def _holder(self, message: str) -> str:
        """Who has a port that another user holds: only root may see that."""
        held = re.search(r"port (\d+) is held by a process of another user", message)
        if not held or self.machine.become is None:
            return ""
        said = self.machine.as_root(["ss", "-Hltnp", f"sport = :{held[1]}"]).out
        found = re.search(r'\(\("([^"]+)",pid=(\d+)', said)
        return f" (process {found[2]}, {found[1]})" if found else ""

    def _said_anew(self, step: Step, end: float) -> dict[str, Any]:
        """The status of a pass that is made now: what was said before knows nothing of this run."""
        before, asked = _said(self.status()), 0.0
        step.doing = "waiting for the agent's first word"
        while _said(status := self.status()) == before:
            if time.monotonic() > end:
                raise Failed("the agent has said nothing yet", f"look: {self.command('status')}")
            # Said in whole seconds, a pass may look like the one before: ask again then.
            if time.monotonic() > asked + 5:
                asked = time.monotonic()
                self._put(f"{self.facts['data']}/state/requests/bootstrap", "600", f"{asked}\n")
            time.sleep(0.5)
        return status

    def status(self) -> dict[str, Any]:
        """What `gitops-vm status --json` says; empty while it says nothing."""
        answer = self.machine.answer([f"{self.facts['data']}/agent/current/bin/gitops-vm", "status", "--json"])
        try:
            document: dict[str, Any] = json.loads(answer.out)
        except ValueError:
            return {}
        return {} if "error" in document else document

    def modes(self, revision: str) -> tuple[str, set[str]]:
        """The file that declares, and the modes in it at this revision; none also where the agent has no copy of it."""
        with contextlib.suppress(Failed):
            said = self.machine.ask("modes", self.facts["data"], revision)
            return said["file"], set(said["modes"].split())
        return "", set()

    def command(self, verb: str) -> str:
        """How a person calls a verb of the agent."""
        if isinstance(self.machine, VM):
            return shlex.join(["ssh", *self.machine.typed, ".local/bin/gitops-vm", verb])
        home = f"GITOPS_VM_HOME={shlex.quote(self.machine.root)} " if self.machine.root else ""
        return f"{home}{shlex.quote(self.facts['data'])}/agent/current/bin/gitops-vm {verb}"

    def _lacks(self, file: str) -> bool:
        return self.machine.answer(["test", "-s", file]).code != 0

    def _put(self, file: str, mode: str, content: str) -> str:
        if self.dry:
            return WOULD if self.machine.answer(["cmp", "-s", "-", file], given=content.encode()).code else "ok"
        return self.machine.call("put", file, mode, given=content.encode()).strip()


LIMITS = {"sandbox": "sandboxes", "memory_max": "limits of memory", "cpu": "limits of CPU"}


def _typed(value: str) -> bool | int | str:
    """A fact as JSON has it."""
    return value == "yes" if value in {"yes", "no"} else int(value) if value.isdigit() else value


@dataclass(frozen=True)
class Door:
    """A repository, and the public half of the machine's ssh key for it (empty for https and a path)."""

    repo: Repository
    public: str

    @property
    def keyless(self) -> bool:
        return self.repo.scheme == "ssh" and not self.public


class Admission:
    """The way into the repositories: keys are registered where there is a token for it, else pasted by somebody, and waited for."""

    def __init__(self, setup: Setup, step: Step, code: Door, status: Door | None) -> None:
        self._setup, self._step, self._code, self._status = setup, step, code, status
        self._end = time.monotonic() + (0 if setup.dry else setup.options.wait)
        self._quiet = 0.0
        self._tried: set[Door] = set()
        self._told: set[tuple[Door, str]] = set()

    def run(self) -> None:
        while answer := self._ask():
            if self._setup.dry and answer["reason"] == "RefNotFound":
                return self._step.would(f"the example app is pushed to {self._code.repo.url}")
            door = self._status if self._status and answer["refuses"] == "status" else self._code
            there = self._forge(door)
            if there and self._setup.dry:
                return self._step.would(f"the key is registered at {there.name}")
            if there:
                self._register(there, door)
            else:
                self._wait(door, answer)
        url = self._code.repo.url
        written = f"{url} can be read, and {self._status.repo.url} written" if self._status else ""
        return self._step.done("ok", written or f"{url} can be read and written")

    def _ask(self) -> dict[str, str] | None:
        """Why it does not work yet, if time, somebody at the forge or, after a dry run, we may change it; else Failed."""
        setup, repo = self._setup, self._code.repo
        evidence = [self._status.repo.url] if self._status else []
        answer = setup.ask_repository("check", repo, *evidence)
        if answer["reason"] == "RefNotFound" and setup.example:
            if setup.dry:
                return answer
            with setup.example() as tree:
                answer = setup.ask_repository("seed", repo, str(tree))
            if not answer["reason"] and evidence:
                answer = setup.ask_repository("check", repo, *evidence)
        if not answer["reason"]:
            if self._step.state == "changed":
                setup.console.line(f"\n{answer['words']}")
            return None
        # A forge that does not know a key says that there is no such repository.
        hidden = re.search(r"(?i)not found|denied|read.only|write access", answer["message"])
        door = self._status if self._status and answer["refuses"] == "status" else self._code
        if door.public and (answer["reason"] == "AuthenticationFailed" or hidden or answer["may"] == "read"):
            return answer
        raise Failed(answer["message"], answer["hint"] or "correct --repo or --branch, or push to it first")

    def _forge(self, door: Door) -> Forge | None:
        """Where its key can be registered; once, whatever comes of it."""
        if door in self._tried or not door.public:
            return None
        self._tried.add(door)
        return forge(door.repo, self._api(door))

    def _api(self, door: Door) -> str | None:
        """One that was named is that of the code's forge."""
        return self._setup.options.forge_api if door.repo.host == self._code.repo.host else None

    def _writes(self, door: Door) -> bool:
        return self._status in {None, door}

    def _register(self, there: Forge, door: Door) -> None:
        """Where it fails and somebody is here, they may still paste the key."""
        self._step.doing = f"registering the key at {there.name}"
        try:
            self._step.done(there.register(door.public, write=self._writes(door)), "")
        except Failed as failure:
            if not self._setup.interactive:
                raise
            self._setup.console.line(f"\n{failure}")
            return
        self._quiet = time.monotonic() + SETTLES
        caveat = f"; {there.caveat}" if there.caveat else ""
        protect = (
            f"\nTo protect a branch there: {there.protection}" if door == self._code and self._writes(door) else ""
        )
        self._setup.console.line(f"the key is registered at {there.name}{caveat}{protect}")

    def _wait(self, door: Door, answer: Mapping[str, str]) -> None:
        if (door, answer["may"]) not in self._told and time.monotonic() >= self._quiet:
            self._told.add((door, answer["may"]))
            self._tell(door, answer["may"])
        if time.monotonic() > self._end:
            raise Failed(answer["message"], answer["hint"])
        self._step.doing = "waiting for the key to be accepted"
        time.sleep(2)

    def _tell(self, door: Door, may: str) -> None:
        line, writes = self._setup.console.line, self._writes(door)
        if door == self._status:
            line(
                "\nThe key of this machine for its evidence needs write access to the repository that is for it alone:"
            )
        elif not writes:
            line("\nThe key of this machine needs read access to the code, and no more:")
        else:
            asked = "may read, but not write: give it write access" if may == "read" else "needs read and write access"
            line(f"\nThe key of this machine {asked} (it commits evidence to a branch of its own, status/...):")
        line(f"\n    {door.public}\n\nPaste it here: {door.repo.page}")
        if door == self._code and writes:
            line(f"Whoever has it may write to every branch there. Protect main: {door.repo.protection}")
        if os.environ.get("FORGE_TOKEN") and not self._setup.options.forge_api:
            api = FORGES.get(door.repo.host, ("", API_FORMS))[1]
            line(f"(with FORGE_TOKEN it is registered there when you give --forge-api {api})")
        elif self._api(door) and not os.environ.get("FORGE_TOKEN"):
            line(f"(with a token in FORGE_TOKEN it is registered at {self._api(door)})")
        line()


def _said(status: Mapping[str, Any]) -> str:
    """When the agent last said how things are; empty when it never did."""
    return str(status.get("heartbeat", {}).get("time", ""))


def condition(status: Mapping[str, Any], kind: str) -> dict[str, str]:
    for each in status.get("conditions", []):
        if each["type"] == kind:
            found: dict[str, str] = each
            return found
    return {"status": "Unknown", "reason": "Unknown", "message": "nothing is reported yet"}


def missing_packages(facts: Mapping[str, str], *, ssh: bool) -> list[str]:
    """Debian's names of what is not there. Failed when the Pythons that are there are too old."""
    missing = [] if "git" in facts else ["git"]
    if ssh and not {"ssh-keygen", "ssh-keyscan"} <= set(facts):
        missing.append("openssh-client")
    if "python" not in facts and "python_found" in facts:
        raise Failed(
            f"{facts['os']} has Python {facts['python_found'].split()[-1]}; the agent needs 3.11 or newer",
            "install one (Debian 12 and Ubuntu 24.04 have it): sudo apt-get install python3.11 python3.11-venv",
        )
    if "python" not in facts:
        missing.append("python3")
    if "venv" not in facts:
        name = Path(facts.get("python", "python3")).name
        missing.append(f"{name}-venv" if name in PYTHONS else "python3-venv")
    return missing


def packed(checkout: Path) -> tuple[str, bytes]:
    """The agent of this checkout: its release's name, `<version>-<digest of the content>`, and a tar of it."""
    stream, digest = io.BytesIO(), hashlib.sha256()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for file in (found for name in SENT for found in files_of(checkout / name)):
            name, content = str(file.relative_to(checkout)), file.read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    version = re.search(r'__version__ = "([^"]+)"', (checkout / "agent" / "__init__.py").read_text())
    if not version:
        raise Failed(f"{checkout}/agent/__init__.py names no version", "take a whole checkout")
    return f"{version[1]}-{digest.hexdigest()[:12]}", stream.getvalue()


def files_of(path: Path) -> list[Path]:
    """The file, or those below the directory, without what Python and editors leave behind."""
    if not path.exists():
        raise Failed(f"{path} is missing", "take a whole checkout")
    if path.is_file():
        return [path]
    return sorted(each for each in path.rglob("[!.]*") if each.is_file() and each.parent.name != "__pycache__")


def private_key(file: Path) -> str:
    """The key in `file`; Failed for one that the agent could not use by itself."""
    answer = run(["ssh-keygen", "-y", "-P", "", "-f", str(file)], within=10, env=os.environ, own_session=True)
    if answer.code:
        raise Failed(f"{file}: {answer.cause}", "give a private key without a passphrase, mode 0600")
    return file.read_text()


PLAIN = re.compile(r"[A-Za-z0-9._~:/?+=@%,-]+")
ODD = "must consist of letters, digits and ._~:/?+=@%,- only; no space, no quote, and not empty"


def plain(value: str, name: str) -> str:
    """A secret as it may stand in a line NAME=value, which programs read in different ways."""
    if not PLAIN.fullmatch(value):
        raise Failed(f"{name} {ODD}")
    return value


def host_name(text: str) -> str:
    """A machine's name as source.yaml takes it."""
    return re.sub(r"[^a-z0-9-]+", "-", text.lower().split(".")[0]).strip("-")[:63] or "vm"


def _packages(options: argparse.Namespace) -> dict[str, Any]:
    chosen = {"index": options.index, "findLinks": options.find_links}
    given = {name: value for name, value in chosen.items() if value}
    return {"packages": given} if given else {}


def tokens(file: Path | None) -> dict[str, str]:
    """The app's secrets: those in the file and in this environment, which wins. The token has two names; it gets the usual one."""
    found = env_file(file) if file else {}
    names = ("HF_TOKEN", "HUGGING_FACE_TOKEN")
    known = [os.environ.get(name, "").strip() for name in names] + [found.pop(name, "") for name in names]
    token = next(filter(None, known), "")
    given = {**found, **({"HF_TOKEN": token} if token else {})}
    if odd := [name for name, value in given.items() if not PLAIN.fullmatch(value)]:
        raise Misused(f"{f'--env-file {file}: ' if odd[0] in found else ''}{odd[0]} {ODD}")
    return given


def env_file(file: Path) -> dict[str, str]:
    """Its lines NAME=value. Misused for one that others can read, and for lines that are something else."""
    try:
        text, mode = file.read_text(), file.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise Misused(f"--env-file: cannot read {file}: {getattr(error, 'strerror', 'it is not text')}") from None
    if mode & 0o077:
        raise Misused(f"--env-file: others can read {file}; type: chmod 600 {file}")
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = re.fullmatch(r"\s*([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*", line)
        if match:
            found[match[1]] = match[2]
        elif line.strip() and not line.lstrip().startswith("#"):
            raise Misused(f"--env-file: {file}:{number}: write NAME=value")
    return found


# The way in


def enter(setup: Setup, machine: VM) -> None:
    """Log in: with your own key; or, to install that one, with the entry key or a password."""
    with setup.console.step("connection", quiet=setup.interactive) as step:
        learned = HostKeys(setup, machine).pin()
        own, answer = _try_own(setup, machine)
        setup.own, setup.own_works = own, own is not None and accepted(answer) == own.fingerprint
        if own and setup.own_works:
            machine.use(alone(own))
        elif setup.options.entry_key:
            _use_entry(machine, setup.options.entry_key)
        elif machine.asks:
            machine.use(["-oPubkeyAuthentication=no"])
        else:
            raise machine.explained(answer)
        where = f"{machine.user}@{machine.address}, port {machine.port}"
        if own and setup.own_works:
            where += f", with {own.fingerprint}"
        if learned:
            where += f", its host key now in {machine.known_hosts}"
        step.done((WOULD if setup.dry else "changed") if learned else "ok", where)


def _use_entry(machine: VM, file: str) -> None:
    answer = machine.fresh(alone(file))
    if not accepted(answer):
        why = "your own key does not let in either; check the user, -i KEY and --entry-key KEY (ssh-add KEY for one with a passphrase)"
        raise Failed(f"--entry-key {file}: {machine.explained(answer, otherwise=why)}")
    machine.use(alone(file))


def _try_own(setup: Setup, machine: VM) -> tuple[Key | None, Answer]:
    """Your own key and how it fared. Without -i it is the one your ssh gets in with."""
    named = setup.options.identity
    if not named and not setup.options.entry_key:
        answer = machine.fresh([word for file in machine.own_keys() for word in ("-i", file)])
        return _key_seen(machine, accepted(answer)), answer
    file = Path(named or next(iter(machine.own_keys()), "~/.ssh/id_ed25519")).expanduser()
    if not file.exists() and setup.dry and setup.options.make_key:
        return None, Answer(SSH_FAILED, "", f"there is no key {file} yet")
    if not file.exists():
        _make_key(setup, file)
    own = key_of(file)
    return own, machine.fresh(alone(own))


def _make_key(setup: Setup, file: Path) -> None:
    if not setup.options.make_key and not (setup.interactive and setup.console.ask(f"{file} is not there. Make it?")):
        raise Failed(f"there is no key {file}", "add --make-key to have it made, or name yours: -i KEY")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{getpass.getuser()}@{socket.gethostname()}"]
    answer = run([*words, "-f", str(file)], within=30, env=os.environ, own_session=True)
    if answer.code:
        raise Failed(f"{file} cannot be made: {answer.cause}")


def accepted(answer: Answer) -> str:
    """The fingerprint of the key that let us in; empty when none did. A password's login has none."""
    found = re.findall(r"Server accepts key: .*(SHA256:\S+)", answer.err)
    return found[-1] if found and "in-42" in answer.out else ""


def _key_seen(machine: VM, fingerprint: str) -> Key | None:
    """The key of this fingerprint, in one of the user's files or in their agent."""
    for file in map(Path, machine.own_keys()):
        with contextlib.suppress(Failed, IndexError):
            if fingerprint and key_of(file).fingerprint == fingerprint:
                return key_of(file)
    agent = dict(os.environ, **machine.agent_socket())
    for line in run(["ssh-add", "-L"], within=10, env=agent, own_session=False).out.splitlines():
        if fingerprint and fingerprint_of(line.split()[1]) == fingerprint:
            half = machine.directory / "own.pub"
            half.write_text(f"{line}\n")
            return Key(half, line)
    return None


class HostKeys:
    """What the VM's host key is: known to your ssh already, given by its fingerprint, or shown and confirmed."""

    def __init__(self, setup: Setup, machine: VM) -> None:
        self.setup, self.machine = setup, machine
        self.name = machine.known_as

    def pin(self) -> bool:
        """Whether it had to be learned. Failed when it is another one, or nobody can say."""
        wanted = self.setup.options.host_key_fingerprint
        theirs = self._known_in(self.machine.trusted[2:])
        known = theirs | self._known_in(self.machine.trusted[:2])
        self.machine.pinned = wanted not in theirs if wanted else not theirs
        if wanted in known or (known and not wanted):
            return False
        key = self._shown(wanted)
        if not wanted:
            self._confirm(key)
        self._keep(key)
        return True

    def _known_in(self, files: Sequence[str]) -> set[str]:
        return {key.fingerprint for file in files for key in self._known(file)}

    def _known(self, file: str) -> list[HostKey]:
        answer = run(["ssh-keygen", "-F", self.name, "-f", file], within=10, env=os.environ, own_session=False)
        rows = (line.split() for line in answer.out.splitlines() if not line.startswith(("#", "@")))
        return [HostKey(*row[:3]) for row in rows if row[2:]]

    def _shown(self, wanted: str | None) -> HostKey:
        """What the VM shows, before any key of ours is shown to it."""
        seen: list[HostKey] = []
        for kind in ("", "ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512") if wanted else ("",):
            seen += self._ask(kind)
            for key in seen:
                if wanted in (None, key.fingerprint):
                    return key
        shown = ", ".join(sorted({key.fingerprint for key in seen}))
        raise Failed(
            f"{self.machine.address} has the host key {shown}, not {wanted}",
            "ask whoever runs the VM: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        )

    def _ask(self, kind: str) -> list[HostKey]:
        file = self.machine.directory / f"shown-{kind}"
        learn = [
            "-oStrictHostKeyChecking=accept-new",
            f"-oUserKnownHostsFile={file}",
            "-oPreferredAuthentications=none",
        ]
        answer = self.machine.fresh([*learn, "-oHashKnownHosts=no", *([f"-oHostKeyAlgorithms={kind}"] if kind else [])])
        keys = host_keys(file.read_text()) if file.exists() else []
        if not keys and not kind:
            raise self.machine.explained(answer)
        return keys

    def _confirm(self, key: HostKey) -> None:
        shown = f"the host key of {self.machine.address} is {key.fingerprint} ({key.kind}), which is not known here"
        if self.setup.interactive and self.setup.console.ask(f"{shown}. Is it the VM's?"):
            return
        raise Failed(shown, f"compare it with the VM's own, then add: --host-key-fingerprint {key.fingerprint}")

    def _keep(self, key: HostKey) -> None:
        file = self.machine.known_for_now if self.setup.dry else self.machine.known_hosts
        old = host_keys(file.read_text()) if file.exists() else []
        kept = [each for each in old if each.host != self.name]
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{os.getpid()}")
        new.write_text("".join(each.line for each in [*kept, HostKey(self.name, key.kind, key.blob)]))
        new.replace(file)


# SSH that cannot lock its owner out

DROP_INS = {
    "00-gitops-vm.conf": """\
# gitops-vm: keys only. sshd takes the first value it finds, and reads this file before the others. It closes ways in and
# opens none: whether root, or anybody else, logs in with a key is for the other files to say.
PasswordAuthentication no
KbdInteractiveAuthentication no
# What holds for all matches first, whatever the Match blocks of other files say.
Match all
  PasswordAuthentication no
  KbdInteractiveAuthentication no
""",
    "00-gitops-vm-crypto.conf": """\
# gitops-vm --crypto: without what ssh-audit calls a failure: the NIST curves, and SHA-1.
KexAlgorithms -ecdh-sha2-*,*-sha1
MACs -hmac-sha1*
HostKeyAlgorithms -ecdsa-*,sk-ecdsa-*,ssh-rsa,ssh-rsa-*
""",
}
CRYPTO = "00-gitops-vm-crypto.conf"
OTHER_WAYS = {"gssapi": "GSSAPIAuthentication", "hostbased": "HostbasedAuthentication"}
USUAL = frozenset(f"{home}.ssh/authorized_keys{number}" for home in ("", "%h/") for number in ("", "2"))
READABLE = """awk 'FNR == 1 { skip = 0 } tolower($1) == "match" { skip = 1 } !skip && tolower($1) ~ /^(authorizedkeys|trustedusercakeys)/' \\
  /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config 2>/dev/null"""
BUSY = 75  # EX_TEMPFAIL of sysexits.h


def settings(name: str, digest: str, lists: Mapping[str, str]) -> str:
    """What the drop-in should say where one of this digest is, and sshd has these lists. A line of --crypto starts from
    the list that sshd comes with: where the VM's is free already of what the line takes away, it would bring others back.
    """
    if name != CRYPTO or digest not in {"", *written(name)}:
        return DROP_INS[name]
    there = written(name).get(digest, "").splitlines()
    kept = (line for line in DROP_INS[name].splitlines() if line[0] == "#" or line in there or _takes_away(line, lists))
    return "".join(f"{line}\n" for line in kept)


def _takes_away(line: str, lists: Mapping[str, str]) -> bool:
    option, patterns = line.split(" -")
    offered = lists.get(option.lower(), "").split(",")
    return any(fnmatch.fnmatchcase(each, pattern) for each in offered for pattern in patterns.split(","))


def written(name: str) -> dict[str, str]:
    """Whatever bootstrap.py may have written to this drop-in, by its digest."""
    remark, *lines = DROP_INS[name].splitlines(keepends=True)
    fewest = 0 if name == CRYPTO else len(lines)
    chosen = (each for count in range(fewest, len(lines) + 1) for each in itertools.combinations(lines, count))
    return {sha256(text): text for text in ("".join([remark, *each]) for each in chosen)}


class Hardening:
    """Only keys, and only yours: proved before anything is taken away, and undone by the VM itself unless proved after."""

    def __init__(self, setup: Setup, machine: VM, own: Key) -> None:
        self.setup, self.console, self.options = setup, setup.console, setup.options
        self.machine, self.own, self.id = machine, own, os.urandom(4).hex()
        self.names = [name for name in DROP_INS if "crypto" not in name or self.options.crypto]

    def run(self) -> None:
        with self.console.step("own key") as step:
            if self.machine.become is None and self.setup.facts.get("sudo") == "asks" and not self._answered():
                raise Failed(
                    f"sudo on {self.machine.name} asks for a password",
                    f"set GITOPS_VM_SUDO_PASSWORD; to nothing if {self.machine.user} may not use sudo",
                )
            self._install(step)
        with self.console.step("ssh", quiet=self.setup.interactive) as step:
            seen = [*self._guard(), *self.seen()]
            going = self.going()
            if self._holds(seen) and not going:
                step.done("ok", f"{self._what()}, {self._kept()}")
            elif self.options.dry_run:
                step.would(f"only keys log in; {len(going)} other keys go")
            else:
                self._closable(seen)
                self._agreed(going)
                self._guarded(step)
                gone = f"; gone: {', '.join(key.name for key in going)}" if going else ""
                step.done("changed", f"{self._what()}, {self._kept()}{gone}")
        for line in self._others(seen):
            self.console.line(line)

    def _answered(self) -> bool:
        return self.setup.interactive or "GITOPS_VM_SUDO_PASSWORD" in os.environ

    # Your key

    def _install(self, step: Step) -> None:
        if self.setup.own_works and not self._apart():
            return step.done("ok", self.own.fingerprint)
        if self.options.dry_run:
            return step.would(f"{self.own.fingerprint} is installed")
        digest = hashlib.sha256(self.own.public.encode()).hexdigest()
        installed = self.machine.call("ssh_keys", "install", self.own.public, digest).strip()
        try:
            self._prove("your key, just installed, does not let you in")
        except Failed as failure:
            if installed == "changed":
                self.machine.call("ssh_keys", "withdraw", self.own.blob)
            raise self._unread() or failure from None
        self.machine.use(alone(self.own))
        return step.done("changed", f"{self.own.fingerprint} is installed and lets you in")

    def _apart(self) -> bool:
        """Whether your key lets in from elsewhere (a file of root's, a certificate), and ~/.ssh has only those of others."""
        there = authorized_keys(self.machine.call("ssh_keys", "read"))
        return bool(there) and self.own.fingerprint not in {key.fingerprint for key in there}

    def _unread(self) -> Failed | None:
        """Where sshd does not read ~/.ssh/authorized_keys: what to type then."""
        files = {row[1]: row[2:] for row in self.seen() if row[0] == "sshd"}.get("authorizedkeysfile", [])
        if not files or USUAL & {*files}:
            return None
        place = self._expanded(files[0])
        cause = f"sshd takes the keys of {self.machine.user} from {place}, not from ~/.ssh"
        return Failed(cause, f"type there: echo {shlex.quote(self.own.public)} | sudo tee -a {shlex.quote(place)}")

    def _expanded(self, file: str) -> str:
        """As sshd_config(5) has it: AuthorizedKeysFile."""
        home = self.setup.facts["home"]
        signs = {"%u": self.machine.user, "%h": home, "%U": self.setup.facts["uid"]}
        return str(Path(home, re.sub("%[uhU]", lambda sign: signs[sign[0]], file)))

    def _prove(self, otherwise: str) -> None:
        """A fresh login with nothing but your key, seen to be by that key."""
        answer = self.machine.fresh(alone(self.own))
        if accepted(answer) != self.own.fingerprint:
            why = self.machine.explained(answer, otherwise="why, is in sshd's log there: sudo journalctl -u ssh -n 20")
            raise Failed(f"{otherwise}: {why}")

    # What is there

    def going(self) -> list[AuthorizedKey]:
        """The keys that are neither yours nor to be kept."""
        there = authorized_keys(self.machine.call("ssh_keys", "read"))
        kept = {self.own.fingerprint, *self.options.keep_key}
        if missing := kept - {key.fingerprint for key in there} - {self.own.fingerprint}:
            raise Failed(
                f"--keep-key: {', '.join(missing)} is not among the keys of {self.machine.user}",
                "correct that, or keep-key in vms.ini",
            )
        self.keep = [key.blob for key in there if key.fingerprint in kept]
        return [key for key in dict.fromkeys(there) if key.fingerprint not in kept]

    def _guard(self) -> list[list[str]]:
        """A change of the keys that still waits; one that was cut off, and that nobody else undoes, is undone first."""
        said = self.machine.call("ssh_keys", "look" if self.options.dry_run else "settle")
        return [line.split() for line in said.splitlines()]

    def seen(self) -> list[list[str]]:
        """What `look` says; without root, of its lines about sshd those that can be read in its files."""
        if self.machine.become is None:
            rows = [line.split() for line in self.machine.answer(["sh", "-c", READABLE]).out.splitlines()]
            return [["sshd", row[0].lower(), *row[1:]] for row in reversed(rows) if row]  # the first of a name counts
        arguments = ("look", self.machine.user, self._client, *self.names)
        return [line.split() for line in self.machine.call("ssh_guard", *arguments, root=True).splitlines()]

    def _holds(self, seen: list[list[str]]) -> bool:
        """Whether all is as it should be: written, in force, and so to whoever knocks."""
        there, inert = self.machine.become is None or self._written(seen), "pending" not in [row[0] for row in seen]
        return there and inert and (self.machine.become is None or self.offered() == "publickey")

    def _written(self, seen: list[list[str]]) -> bool:
        digests = {row[1]: row[2] for row in seen if row[0] == "digest"}
        lists = {row[1]: row[-1] for row in seen if row[0] == "sshd"}
        self.texts = {name: settings(name, digests.get(name, ""), lists) for name in self.names}
        return digests == {name: sha256(text) for name, text in self.texts.items()}

    def offered(self) -> str:
        """The ways in, as a good login is told them; a bad one would count against this address. Empty: it tells none."""
        answer = self.machine.fresh(alone(self.own))
        found = re.findall(r"Authentications that can continue: (\S+)", answer.err)
        return found[0] if found else ""

    def _refused(self) -> str:
        """Empty when nothing but a key is asked for, and the entry key is of no use; else what is wrong."""
        entry, closed = self.options.entry_key, self._entry_goes()
        # Once: sshd from 9.8 on turns an address away for a while that it has refused too often.
        answer = self.machine.fresh(alone(entry) if closed else ["-oPreferredAuthentications=none"])
        offered = re.findall(r"Permission denied \((.*?)\)", answer.err)
        if closed and accepted(answer):
            return "the entry key still lets in"
        if offered != ["publickey"]:
            return f"sshd still offers {offered[0]}" if offered else str(self.machine.explained(answer))
        return ""

    def _entry_goes(self) -> bool:
        kept = {self.own.fingerprint, *self.options.keep_key}
        return bool(self.options.entry_key) and key_of(Path(self.options.entry_key)).fingerprint not in kept

    def _closable(self, seen: list[list[str]]) -> None:
        """A way in that is neither a password nor a key in ~/.ssh: somebody means it, and only they may close it."""
        if self.machine.become is None:
            return
        for place in map(self._expanded, elsewhere(seen) if self._entry_goes() else ()):
            blob = key_of(Path(self.options.entry_key)).blob
            if not self.machine.as_root(["grep", "-qsF", blob, place]).code:
                take_out = f"type there: sudo sed -i '\\|{blob}|d' {shlex.quote(place)}"
                raise Failed(f"the entry key also lets in from {place}, which is not ours to change", take_out)
        offered = self.offered()
        if options := [option for way, option in OTHER_WAYS.items() if way in offered]:
            lines = "".join(f"{option} no\\n" for option in options)
            close = (
                f"printf '{lines}' | sudo tee /etc/ssh/sshd_config.d/00-keys-only.conf && sudo systemctl restart ssh"
            )
            raise Failed(f"sshd also offers {offered}, which is not ours to close", f"type there: {close}")

    def _others(self, seen: list[list[str]]) -> list[str]:
        rows = [row for row in seen if row[0] == "others"]
        return [
            *(f"         sshd also takes keys from {place}; look there: sudo sshd -T" for place in elsewhere(seen)),
            *(
                f"         {row[1]} has {row[2]} of its own; look: sudo cat ~{row[1]}/.ssh/authorized_keys"
                for row in rows
            ),
        ]

    # The change

    def _agreed(self, going: Sequence[AuthorizedKey]) -> None:
        names = ", ".join(key.name for key in going)
        if (
            going
            and self.setup.interactive
            and not self.console.ask(f"These keys will not let anybody in any more: {names}. Go on?")
        ):
            raise Failed("nothing was changed", "keep some of them: --keep-key SHA256:...")

    def _guarded(self, step: Step) -> None:
        """Changed, proved and confirmed; or as it was. The VM undoes it if this program, or the way to it, dies."""
        step.doing = "arming the way back"
        self._arm(step)
        try:
            for doing, act in self._acts():
                step.doing = doing
                act()
        except BaseException as error:
            step.doing = "putting SSH back"
            step.doing = self._put_back()
            if isinstance(error, Failed):
                raise Failed(f"{error}; {step.doing}") from None
            raise
        step.doing = "proving your key once more; the change is kept"
        self._prove("after all was proved and confirmed, a login fails; keep this VM's console at hand")

    def _acts(self) -> list[tuple[str, Callable[[], object]]]:
        proof = [
            ("proving your key", lambda: self._prove("your key would be locked out")),
            ("proving that nothing else lets in", self._prove_refused),
            ("confirming", lambda: self._root("commit", self.id)),
        ]
        if self.machine.become is None:
            commit = ("confirming", lambda: self.machine.call("ssh_keys", "commit", self.id))
            prune = functools.partial(self.machine.call, "ssh_keys", "prune", self.id, *self.keep)
            return [("removing the other keys", prune), proof[0], commit]
        writes = [(f"writing {name}", functools.partial(self._write, name)) for name in self.names]
        force = ("restarting sshd", lambda: self._root("apply", self.id, self.machine.user, self._client))
        return [("removing the other keys", self._prune), *writes, force, *proof]

    def _arm(self, step: Step) -> None:
        """Wait for another run, or for the undoing of one that was cut off."""
        window = f"{self.options.window:g}"
        end = time.monotonic() + self.options.window + 30
        while True:
            try:
                if self.machine.become is None:
                    self.machine.call("ssh_keys", "guard", self.id, window)
                else:
                    texts = (script_text("ssh_revert"), script_text("ssh_keys"))
                    self._root("arm", self.id, self.machine.user, window, *texts)
            except Failed as busy:
                if busy.code != BUSY or time.monotonic() > end:
                    raise
                step.doing = str(busy)
                time.sleep(1)
            else:
                return

    def _prove_refused(self) -> None:
        if wrong := self._refused():
            raise Failed(wrong)

    def _prune(self) -> None:
        self._root("prune", self.id, self.machine.user, *self.keep)

    def _write(self, name: str) -> None:
        self._root("write", self.id, name, given=self.texts[name].encode())

    def _put_back(self) -> str:
        try:
            keys_only = self.machine.become is None
            said = self.machine.call("ssh_keys", "revert", self.id) if keys_only else self._root("revert", self.id)
        except Failed:
            return f"the VM puts everything back within {self.options.window:g} s, unless it had confirmed the change"
        return self._settled() if "settled" in said else "everything was put back"

    def _settled(self) -> str:
        """What the VM has made of it by itself, or on an order whose answer was lost."""
        try:
            kept = self._in_force()
        except Failed:
            return "by then the VM had kept the change, or undone it: run this again to see"
        return "by then the VM had kept the change; run this again to be sure" if kept else "the VM had undone it all"

    def _in_force(self) -> bool:
        """Whether what was to be changed is changed."""
        return not self.going() and (self.machine.become is None or self._written(self.seen()))

    def _root(self, *arguments: str, given: bytes = b"") -> str:
        return self.machine.call("ssh_guard", *arguments, given=given, root=True)

    @property
    def _client(self) -> str:
        return self.setup.facts.get("client", "127.0.0.1")

    def _kept(self) -> str:
        return f"{({0: 'none', 1: 'yours alone'}).get(len(self.keep), len(self.keep))} in ~/.ssh"

    def _what(self) -> str:
        if self.machine.become is None:
            return "without root only the keys were put in order, passwords are as sshd has it"
        return "only keys log in"


def elsewhere(seen: Sequence[Sequence[str]]) -> list[str]:
    """Where, by `look`, keys of this user count that are not in their own two files (sshd_config(5))."""
    found = {row[1]: row[2:] for row in seen if row[0] == "sshd"}
    files = [file for file in found.get("authorizedkeysfile", []) if file not in {*USUAL, "none"}]
    others = [" ".join(found.get(name, ["none"])) for name in ("authorizedkeyscommand", "trustedusercakeys")]
    return files + [place for place in others if place != "none"]


@dataclass(frozen=True)
class AuthorizedKey:
    blob: str
    comment: str

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.blob)

    @property
    def name(self) -> str:
        return f"{self.fingerprint} {self.comment}".strip()


def authorized_keys(text: str) -> list[AuthorizedKey]:
    """The keys in an authorized_keys file, whatever options stand before them (sshd(8))."""
    found = []
    for line in text.split("\n"):  # where sshd ends one, and nowhere else
        # An option's value in quotes may hold anything, a key as well.
        bare = re.sub(r'"(\\.|[^"\\])*"', '""', line)
        match = re.match(r"(?!\s*#).*?(?:^|\s)(?:ssh-|ecdsa-|sk-)\S+\s+(AAAA[0-9A-Za-z+/=]+)\s*(.*)", bare)
        if match:
            found.append(AuthorizedKey(match[1], match[2].strip()))
    return found


# Over ssh: the agent is a user service


def deploy(console: Console, options: argparse.Namespace) -> int:
    repo = repository(options.repo, local=False) if options.repo else None
    if options.status_repo:
        repository(options.status_repo, local=False, option="--status-repo")
    settings = tokens(options.env_file)
    with reached(console, options) as (setup, machine):
        enter(setup, machine)
        setup.look()
        if repo:
            setup.fits()
        if options.only != "agent":
            if setup.own is None and setup.dry and options.make_key:
                with console.step("own key") as step:
                    step.would("it is made and installed; then only keys log in, and the rest is done")
                return 0
            if setup.own is None:
                raise Failed("a password let us in, not a key", "name your own key: -i ~/.ssh/id_ed25519 --make-key")
            Hardening(setup, machine, setup.own).run()
        if repo:
            setup.learn()  # meanwhile another run, or its owner, may have been at work there
            prepare(setup, repo, settings)
            _as_service(setup, repo)
    return 0


def prepare(setup: Setup, repo: Repository, settings: Mapping[str, str]) -> None:
    """Everything but the service, in the order in which one step needs the other. It was looked at the machine before."""
    setup.packages(repo)
    setup.agent()
    public = ""
    if repo.scheme == "ssh":
        public = setup.key()
        setup.trust(repo)
    elif repo.scheme == "https":
        setup.credentials(repo)
    setup.evidence(repo)
    setup.access(repo, public)
    setup.declare(repo)
    setup.secrets(settings)


def _as_service(setup: Setup, repo: Repository) -> None:
    setup.linger()
    setup.capabilities()
    setup.service()
    if not setup.dry:
        show(setup, repo, setup.ready())


def show(setup: Setup, repo: Repository, status: Mapping[str, Any]) -> None:
    """What there is now, each at the start of a line of its own, and what to try."""
    host, port = setup.machine.address, (status.get("service") or {}).get("port", "")
    folder = shlex.quote(_folder(repo, status))
    branch = setup.source["ref"].removeprefix("refs/heads/")
    evidence, told = setup.source["status"], shlex.quote(setup.source["statusURL"] or "origin")
    who = "" if _identity() else "-c user.name=me -c user.email=me@example.org "
    for line in (
        "",
        f"app http://{f'[{host}]' if ':' in host else host}:{port}/",
        f"remote {repo.url}",
        f"status {evidence}{f' at {told}' if setup.status_door else ''}",
        "",
        "Try next:",
        f"  git clone -b {branch} {shlex.quote(repo.url)} {folder} && cd {folder}",
        f"  change a word of the app:    git {who}commit -am 'another word' && git push     (live within seconds)",
        *_about_modes(setup, status),
        "  break it: the old release goes on answering, and the status says why",
        f"  the story so far:            git fetch {told} {evidence} && git log --format='%ar  %s' FETCH_HEAD",
        f"  what runs here:              {setup.command('status')}",
        f"  what the app says:           {setup.command('logs')}",
    ):
        setup.console.line(line)


def _identity() -> bool:
    """Whether git knows who commits here; it refuses to commit otherwise."""
    answer = run(["git", "config", "user.email"], within=10, env=os.environ, own_session=False)
    return bool(answer.out.strip())


def _folder(repo: Repository, status: Mapping[str, Any]) -> str:
    """What a clone is called: as the repository is. One on this machine's disk may be called anything: as the app is then."""
    name = re.split("[/:]", repo.path)[-1]
    return str(status.get("app") or name) if repo.scheme == "file" else name


def _about_modes(setup: Setup, status: Mapping[str, Any]) -> list[str]:
    """Of an app that has more than one mode, how to change to another."""
    file, modes = setup.modes(status.get("activeRevision") or "")
    others = sorted(modes - {status.get("mode")})
    if not others:
        return []
    token = "" if setup.has_token or others[0] != "api" else " (give HF_TOKEN to bootstrap.py first)"
    return [f"  another mode: set `mode: {others[0]}` in {file}, commit, push{token}"]


# Looking after a VM


@contextlib.contextmanager
def reached(console: Console, options: argparse.Namespace) -> Iterator[tuple[Setup, VM]]:
    """The VM, for as long as the block lasts. Nothing has been asked of it yet."""
    with tempfile.TemporaryDirectory(prefix="gitops-vm-", dir="/tmp") as directory:
        machine = VM(options, Path(directory), asks=console.asks and not options.yes)
        try:
            yield Setup(console, machine, options), machine
        finally:
            machine.end()


def check(console: Console, options: argparse.Namespace) -> int:
    with reached(console, options) as (setup, machine):
        enter(setup, machine)
        setup.learn()
        return 0 if Doctor(setup, machine).run() else FAILED


NOTE = "note"
CLOCK, CLOCK_AT_INSTALL = 30, 300  # seconds that the VM's clock may be off
ROOM_KB, TIGHT_KB = 512 * 1024, 2 * 1024 * 1024  # below the first a build fails; below the second soon
MEMORY_KB = 128 * 1024
FREE_SPACE = "sudo apt-get clean; sudo journalctl --vacuum-size=100M; du -xh ~ | sort -h | tail"


def measured(setup: Setup) -> dict[str, str]:
    """What health.sh says, and `offset`: the seconds the machine's clock is ahead of this one's."""
    began = time.time()
    said = setup.machine.call("health", setup.facts["data"], *DROP_INS, within=120)
    found = dict(line.split("=", 1) for line in said.splitlines())
    # Its clock is in whole seconds, and was read a moment after ours.
    return {**found, "offset": f"{int(found['now']) - int(began)}"}


class Doctor:
    """Looks at everything and changes nothing. Each look is a line: ok, note, or failed and what to type."""

    def __init__(self, setup: Setup, machine: VM) -> None:
        self.setup, self.machine, self.options = setup, machine, setup.options
        self.health = measured(setup)
        self.status = setup.status()
        self.answers = False
        """Whether the app does, to the VM itself."""

    def run(self) -> bool:
        """Whether nothing failed. One look says nothing about the next."""
        failed = [name for name, look in LOOKS if not self._look(name, look)]
        return not failed

    def _look(self, name: str, look: Callable[[Doctor, Step], None]) -> bool:
        try:
            with self.setup.console.step(name) as step:
                look(self, step)
        except Failed:
            return False
        return True

    def complaint(self, look: Callable[[Doctor, Step], None]) -> Failed | None:
        """As what a look would fail, were it made."""
        try:
            look(self, Step(self.setup.console, ""))
        except Failed as failure:
            return failure
        return None

    def again(self, *rest: str) -> str:
        """The command line of this program for the same VM; `rest` is a verb, or options of an installation."""
        verb = [*rest[:1]] if rest and not rest[0].startswith("-") else []
        vms = ["--vms", str(self.options.vms)] if self.options.vms else []
        # An installation that does not hear of a kept key takes it away.
        kept = [] if verb else [word for key in self.options.keep_key for word in ("--keep-key", key)]
        way = [self.options.named, *vms, *access(self.options), *kept]
        return shlex.join(["python3", "bootstrap.py", *verb, *way, *rest[len(verb) :]])

    # SSH

    def own_key(self, step: Step) -> None:
        if not self.setup.own or not self.setup.own_works:
            raise Failed("your own key does not log in", f"type: {self.again('--only', 'ssh')}")
        step.done("ok", f"{self.setup.own.fingerprint} logs in, with nothing beside it")

    def passwords(self, step: Step) -> None:
        offered = Hardening(self.setup, self.machine, self._own()).offered()
        if offered == "publickey":
            return step.done("ok", "are refused: sshd asks for keys only")
        wrong = f"sshd still offers {offered}" if offered else "sshd does not say what it asks for"
        if {"root", "sudo"} & set(self.setup.facts):
            raise Failed(wrong, f"type: {self.again('--only', 'ssh')}")
        return step.done(
            NOTE, f"{wrong}; {self.machine.user} cannot change it: an administrator can, with bootstrap.py"
        )

    def keys(self, step: Step) -> None:
        hardening = Hardening(self.setup, self.machine, self._own())
        going = hardening.going()
        if going:
            names = ", ".join(key.name for key in going)
            raise Failed(
                f"not yours, and it lets in: {names}", f"type: {self.again('--only', 'ssh')}, or add --keep-key for it"
            )
        # As root sshd itself is asked, if nobody has to type a password for it; else its files are read.
        self.machine.gain(self.setup.facts, asks=False)
        if places := elsewhere(hardening.seen()):  # somebody means it, as with a cloud's login by its own accounts
            return step.done(NOTE, f"sshd also takes keys from {', '.join(places)}; look there: sudo sshd -T")
        return step.done("ok", "those in ~/.ssh are yours, or to be kept")

    def drop_ins(self, step: Step) -> None:
        there = {name: self.health[f"digest {name}"] for name in DROP_INS if f"digest {name}" in self.health}
        changed = [name for name, digest in there.items() if digest not in written(name)]
        if changed:
            crypto = ["--crypto"] if any("crypto" in name for name in there) else []
            cause = f"{' and '.join(changed)} in /etc/ssh/sshd_config.d is not as it was written"
            raise Failed(cause, f"type: {self.again('--only', 'ssh', *crypto)}")
        if there:
            return step.done("ok", " and ".join(there))
        return step.done(NOTE, f"bootstrap.py has not secured sshd; it would, with: {self.again('--only', 'ssh')}")

    def revert(self, step: Step) -> None:
        waits = self.health.get("pending")
        if waits == "stale":
            raise Failed(
                "a change of the keys was cut off, and nobody undoes it", f"type: {self.again('--only', 'ssh')}"
            )
        if waits:
            raise Failed(
                "a change of SSH waits to be confirmed",
                "it undoes itself when its --window is over (a minute, usually); look again then",
            )
        step.done("ok", "no change of SSH waits to be confirmed")

    def _own(self) -> Key:
        if not self.setup.own:
            raise Failed("not known without a key of yours", f"type: {self.again('--only', 'ssh')}")
        return self.setup.own

    # The system

    def system(self, step: Step) -> None:
        facts = self.setup.facts
        if "systemd" not in facts:
            raise Failed(f"{facts['os']} was not booted with systemd, which runs the agent", "take another VM")
        state, more = (NOTE, "; it wants a reboot: sudo reboot") if "reboot" in self.health else ("ok", "")
        step.done(state, f"{facts['os']}, up for {_long(float(self.health['uptime']))}{more}")

    def disk(self, step: Step) -> None:
        free, place = int(self.health["disk_kb"]), self.health["disk"]
        if "inodes" in self.health:
            raise Failed(f"no more files fit on {place} (df -i)", f"type there: {FREE_SPACE}")
        if free < ROOM_KB:
            raise Failed(f"{size(free)} free on {place}", f"type there: {FREE_SPACE}")
        step.done("ok" if free > TIGHT_KB else NOTE, f"{size(free)} free on {place}")

    def memory(self, step: Step) -> None:
        free = int(self.health["memory_kb"])
        step.done("ok" if free > MEMORY_KB else NOTE, f"{size(free)} available")

    def clock(self, step: Step) -> None:
        offset = int(self.health["offset"])
        if abs(offset) > CLOCK:
            raise Failed(clock_words(offset), SET_CLOCK)
        synchronized = self.health.get("synchronized") == "yes"
        left = "" if synchronized else f", not synchronised; {SET_CLOCK}"
        step.done("ok" if synchronized else NOTE, clock_words(offset) + left)

    def packages(self, step: Step) -> None:
        if missing := missing_packages(self.setup.facts, ssh=True):
            raise Failed(f"missing: {' '.join(missing)}", f"type there: sudo apt-get install {' '.join(missing)}")
        step.done("ok", f"git, ssh, {self.setup.facts['python']} with venv")

    # The agent

    def agent(self, step: Step) -> None:
        if "installed" not in self.health:
            raise Failed("the agent is not installed", f"type: {self._install_agent()}")
        for wrong, cause in (
            ("runs" not in self.health, "its program does not start"),
            ("manager" not in self.health, f"the service manager of {self.setup.facts['user']} does not answer"),
            (self.health.get("unit") != "active", f"gitops-agent.service is {self.health.get('unit') or 'unknown'}"),
            (self.health.get("enabled") != "enabled", "gitops-agent.service does not start at boot"),
            ("linger" not in self.setup.facts, "it ends with the last login: lingering is off"),
        ):
            if wrong:
                raise Failed(cause, f"type: {self.again('recover')}")
        step.done("ok", f"active since {self.health['since']}")

    def _needs_agent(self) -> None:
        if "runs" not in self.health:
            raise Failed("not known: the agent's program does not start", "see the line `agent`")

    def heartbeat(self, step: Step) -> None:
        self._needs_agent()
        if not self.status:
            raise Failed("the agent has said nothing yet", f"type: {self.again('recover')}")
        age, interval = heartbeat(self.status, float(self.health["now"]))
        if age > 2 * interval:
            raise Failed(f"the last was {_long(age)} ago, one is due every {_long(interval)}", f"type: {self.again('recover')}")  # fmt: skip
        step.done("ok", f"{_long(max(age, 0))} ago")

    def _install_agent(self) -> str:
        """The line for it; how SSH stands is another matter."""
        return self.again("--only", "agent", "--repo", self.options.repo or "URL")

    def version(self, step: Step) -> None:
        there, here = self.setup.facts.get("agent", ""), packed(HERE)[0]
        if not there:
            raise Failed("the agent is not installed", f"type: {self._install_agent()}")
        if there == here:
            return step.done("ok", there)
        upgrade = self._install_agent()
        return step.done(NOTE, f"{there}; this checkout is {here}: {upgrade}")

    def repository(self, step: Step) -> None:
        self._needs_agent()
        if "git" not in self.setup.facts:
            raise Failed("not asked: git is missing", "type there: sudo apt-get install git")
        followed = self.setup.followed()
        words = ["check", followed["url"], followed["ref"], *filter(None, [followed["statusURL"]])]
        answer = self.machine.ask("repository", self.setup.facts["data"], *words)
        if answer["reason"]:
            raise Failed(answer["message"], answer["hint"])
        step.done("ok", f"{followed['url']} can be read, and {followed['status']} written")

    # The app

    def app(self, step: Step) -> None:
        self._needs_agent()
        ready = condition(self.status, "Ready")
        said = f"{ready['reason']}: {ready['message']}"
        # Why the repository cannot be read is the line before's affair; what was deployed runs.
        unread = self._is("FetchFailed") and self._is("Healthy")
        if ready["status"] != "True" and not (unread or self._is("Reconciling") or self._on_purpose()):
            raise Failed(said, f"look: {self.setup.command('status')}")
        step.done("ok" if ready["status"] == "True" else NOTE, said)

    def _is(self, kind: str) -> bool:
        return condition(self.status, kind)["status"] == "True"

    def _on_purpose(self) -> bool:
        """Somebody has stopped or suspended it."""
        return self._is("Suspended") or condition(self.status, "Ready")["reason"] == "Stopped"

    def answer(self, step: Step) -> None:
        self._needs_agent()
        if not (url := app_url(self.status)):
            if self._on_purpose():
                return step.done(NOTE, "it was stopped on purpose; to start it: " + self.setup.command("start"))
            raise Failed("nothing runs that could answer", f"look: {self.setup.command('status')}")
        code, error = http_look(self.machine, url, self.setup.facts)
        if not code or code >= SERVER_ERROR:
            said = f"{url} answers {code} on the VM" if code else f"{url} does not answer on the VM: {error}"
            raise Failed(said, f"look: {self.setup.command('logs')}")
        self.answers = True
        return step.done("ok", f"{url} answers {code} on the VM")

    def reachable(self, step: Step) -> None:
        inside = app_url(self.status)
        if not inside or not self.answers:
            return step.done(NOTE, "not asked: it does not answer on the VM")
        port = self.status["service"]["port"]
        host = f"[{self.machine.address}]" if ":" in self.machine.address else self.machine.address
        url = self.options.url or f"http://{host}:{port}/"
        code, error = http_look(Machine(), url, {"python": sys.executable})
        if code:
            return step.done("ok" if code < SERVER_ERROR else NOTE, f"{url} answers {code} here")
        tunnel = shlex.join(["ssh", "-NL", f"{port}:127.0.0.1:{port}", *self.machine.typed])
        if not self.options.url and self._hidden(port):
            return step.done(NOTE, f"it listens on the VM's own address alone (service.host); a way to it: {tunnel}")
        firewall = (
            f"open TCP port {port} there (sudo ufw allow {port}/tcp, the provider's security group), or: {tunnel}"
        )
        way = "does what stands before the VM lead to it?" if self.options.url else firewall
        raise Failed(f"{url} does not answer here ({error}), but the app does on the VM: something is in the way", way)

    def _hidden(self, port: int) -> bool:
        """Whether it listens on loopback addresses only."""
        said = self.machine.answer(["ss", "-Hltn", f"sport = :{port}"]).out
        places = [line.split()[3] for line in said.splitlines() if len(line.split()) > 3]  # noqa: PLR2004 - ss(8)
        return bool(places) and all(place.startswith(("127.", "[::1]")) for place in places)


SERVER_ERROR = 500
SET_CLOCK = "type there: sudo timedatectl set-ntp true"
LOOKS: tuple[tuple[str, Callable[[Doctor, Step], None]], ...] = (
    *(("own key", Doctor.own_key), ("passwords", Doctor.passwords), ("other keys", Doctor.keys)),
    *(("sshd", Doctor.drop_ins), ("revert", Doctor.revert), ("system", Doctor.system), ("disk", Doctor.disk)),
    *(("memory", Doctor.memory), ("clock", Doctor.clock), ("packages", Doctor.packages), ("agent", Doctor.agent)),
    *(("heartbeat", Doctor.heartbeat), ("version", Doctor.version), ("repository", Doctor.repository)),
    *(("app", Doctor.app), ("answer", Doctor.answer), ("reachable", Doctor.reachable)),
)
"""In this order, what the later ones need first."""


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def heartbeat(status: Mapping[str, Any], now: float) -> tuple[float, float]:
    """How old the last one is and how often one is due, in seconds. `now` is the VM's own clock."""
    beat = status["heartbeat"]
    # Python 3.9 reads no Z.
    at = datetime.fromisoformat(beat["time"].replace("Z", "+00:00")).timestamp()  # noqa: FURB162
    parts = re.findall(r"([0-9.]+)(h|m|s)", beat["interval"])
    return now - at, sum(float(number) * {"h": 3600.0, "m": 60.0, "s": 1.0}[unit] for number, unit in parts)


def app_url(status: Mapping[str, Any]) -> str:
    """Where the app answers on the VM: what its readiness was asked at, else its port. Empty when none runs."""
    urls = [each["url"] for each in status.get("probes", [])]
    service = status.get("service")
    return urls[0] if urls else f"http://127.0.0.1:{service['port']}/" if service else ""


def http_look(machine: Machine, url: str, facts: Mapping[str, str]) -> tuple[int, str]:
    """How it answers on that machine: the status, 0 without one, and why."""
    text = (HERE / "install" / "http.py").read_text()
    answer = machine.answer([facts.get("python", "python3"), "-I", "-c", text, url], within=40)
    if answer.code:
        return 0, answer.cause
    said = json.loads(answer.out)
    return said["code"], said["error"]


def clock_words(offset: int) -> str:
    return f"{abs(offset)} s {'behind' if offset < 0 else 'ahead of'} this machine's"


def _long(duration: float) -> str:
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if duration >= 2 * size:
            return f"{duration / size:.0f} {unit}"
    return f"{duration:.0f} s"


def size(kilobytes: int) -> str:
    gigabyte = 1024 * 1024
    return f"{kilobytes / gigabyte:.1f} GB" if kilobytes >= gigabyte else f"{kilobytes / 1024:.0f} MB"


# Bringing a VM back


def recover(console: Console, options: argparse.Namespace) -> int:
    turn = Turn(options)
    with turn.taken() as mine:
        if not mine:
            with console.step("turn") as step:
                step.done(NOTE, f"another recovery of {options.target} is at work; nothing was done")
            return 0
        with reached(console, options) as (setup, machine):
            try:
                enter(setup, machine)
            except Failed:
                turn.count()
                raise
            setup.learn()
            Recovery(setup, machine, turn).run()
    return 0


class Turn:
    """One recovery of a VM at a time, and a pause after each. Kept in ~/.local/state/gitops-vm/recover/, over reboots."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.cooldown, self._dry = options.cooldown, options.dry_run
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        name = re.sub(r"[^A-Za-z0-9@.-]", "_", f"{options.target}-{options.port or SSH_PORT}")
        self._file = state / "gitops-vm" / "recover" / f"{name}.json"

    @contextlib.contextmanager
    def taken(self) -> Iterator[bool]:
        """Whether it is ours. It ends with this process, whatever ends that."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._file.with_suffix(".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    @property
    def pause(self) -> float:
        """Seconds until the next one may be made."""
        try:
            last = float(json.loads(self._file.read_text())["at"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        # A clock that was set back must not make it longer.
        left: float = min(max(last + self.cooldown - time.time(), 0), self.cooldown)
        return left

    def count(self) -> None:
        """Begin the pause. One made during a pause does not make that longer."""
        if self._dry or self.pause:
            return
        new = self._file.with_suffix(".new")
        with new.open("w") as file:
            json.dump({"at": time.time()}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._file)
        descriptor = os.open(self._file.parent, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


class Recovery:
    """What does not hold is set up again, and nothing else is touched."""

    def __init__(self, setup: Setup, machine: VM, turn: Turn) -> None:
        self.setup, self.machine, self.console, self._turn = setup, machine, setup.console, turn
        self.doctor = Doctor(setup, machine)
        self.health = self.doctor.health

    def run(self) -> None:
        if not self._unwell():
            return
        self._may_act()
        self.setup.look()
        self._manager()
        if "linger" not in self.setup.facts:
            self.setup.linger()
        if missing_packages(self.setup.facts, ssh=True):
            self.setup.packages(Repository("", "ssh"))
        if not {"installed", "runs"} <= set(self.health):
            self._agent()
        if self.setup.agent_changed or self._service_is_off():
            self.setup.service()
        self._app()

    def _unwell(self) -> bool:
        with self.console.step("smoke") as step:
            looks = (Doctor.disk, Doctor.agent, Doctor.heartbeat, Doctor.app, Doctor.answer)
            wrong = [cause for look in looks if (cause := self.doctor.complaint(look))]
            if not wrong:
                step.done("ok", f"nothing to do: {condition(self.doctor.status, 'Ready')['message']}")
            else:
                step.done(NOTE, wrong[0].cause)
        return bool(wrong)

    def _may_act(self) -> None:
        with self.console.step("turn") as step:
            if pause := self._turn.pause:
                raise Failed(
                    f"it was tried less than {_long(self._turn.cooldown)} ago; the next may be in {_long(pause)}",
                    "sooner: --cooldown 0s",
                )
            source = f"{self.setup.facts['config']}/source.yaml"
            if self.machine.answer(["test", "-s", source]).code:
                again = self.doctor.again("--only", "agent", "--repo", self.setup.options.repo or "URL")
                raise Failed(f"{source} is not there: nothing is followed", f"type: {again}")
            if full := self.doctor.complaint(Doctor.disk):
                raise full
            self._turn.count()
            step.done("ok", "what does not hold is set up again")

    def _manager(self) -> None:
        """The user's service manager, without which none of their services is."""
        if "manager" in self.health:
            return
        with self.console.step("manager") as step:
            unit = f"user@{self.setup.facts['uid']}.service"
            if self.machine.become is None:
                raise Failed(f"{unit} does not answer", f"ask an administrator to type: sudo systemctl restart {unit}")
            if self.setup.dry:
                step.would(f"{unit} is restarted")
                return
            answer = self.machine.as_root(["systemctl", "restart", unit], within=180)
            if answer.code:
                raise Failed(answer.cause, f"look there: journalctl -u {unit}")
            step.done("changed", f"{unit} was restarted")

    def _agent(self) -> None:
        """Into a new environment: this one does not start."""
        marker = f"{self.setup.facts['data']}/agent/current/complete"
        if not self.setup.dry:
            self.machine.answer(["rm", "-f", marker])
        self.setup.facts.pop("agent", None)
        self.setup.agent()

    def _service_is_off(self) -> bool:
        stale = bool(self.doctor.complaint(Doctor.heartbeat))
        # One that runs and says nothing hangs: it is started anew.
        self.setup.agent_changed |= stale
        return stale or (self.health.get("unit"), self.health.get("enabled")) != ("active", "enabled")

    def _app(self) -> None:
        program = f"{self.setup.facts['data']}/agent/current/bin/gitops-vm"
        with self.console.step("app") as step:
            if self.setup.dry:
                step.would("gitops-vm reconcile --now")
                return
            step.doing = "gitops-vm reconcile --now"
            answer = self.machine.answer([program, "reconcile", "--now"], within=self.setup.options.wait)
            done = [line.strip() for line in answer.out.splitlines() if line.startswith("  ")]
            step.done("changed" if done else "ok", "; ".join(done) or "it is as declared")
        self.setup.ready()
        with self.console.step("answer") as step:
            Doctor(self.setup, self.machine).answer(step)


# Taking it off a VM again


def uninstall(console: Console, options: argparse.Namespace) -> int:
    with reached(console, options) as (setup, machine):
        enter(setup, machine)
        setup.look()
        Removal(setup, machine).run()
    return 0


class Removal:
    """Gives back what an installation took. Each step looks first; what is gone already is ok."""

    def __init__(self, setup: Setup, machine: VM) -> None:
        self.setup, self.machine, self.options, self.console = setup, machine, setup.options, setup.console
        facts = setup.facts
        self._places = (facts["config"], facts["data"])
        self._link = f"{facts['home']}/.local/bin/gitops-vm"
        said = machine.call("uninstall", "look", *self._places, self._link)
        self.there = dict(line.split("=", 1) for line in said.splitlines())
        self.drop_ins = [name for name in DROP_INS if f"drop-in {name}" in self.there]

    def run(self) -> None:
        if not self._goes:
            self.console.line(f"nothing of gitops-vm is on {self.machine.name}")
        else:
            self._agreed()
        self.service()
        self.linger()
        self.files()
        try:
            self.ssh()
        finally:
            # Whose settings are gone is not asked again: the page of the key is told now or never.
            for line in self._left():
                self.console.line(f"left     {line}")

    @property
    def _goes(self) -> set[str]:
        """Of what was found, what this run would remove."""
        kept = {"theirs", *(["data"] if self.options.keep_data and "agent" not in self.there else [])}
        rooted = set() if self.machine.become is not None else {"state", *(f"drop-in {name}" for name in DROP_INS)}
        return set(self.there) - kept - rooted

    def _agreed(self) -> None:
        if self.options.yes or self.setup.dry:
            return
        data = "" if self.options.keep_data else f", with {self.there.get('data', 'nothing')} of releases and data"
        question = f"The agent, its app and their settings go from {self.machine.name}{data}"
        if not self.setup.interactive:
            raise Failed(f"{question}: nobody is here to agree", "add --yes; and --keep-data to keep releases and data")
        if not self.console.ask(f"{question}. Go on?"):
            raise Failed("nothing was changed", "to keep releases and data: --keep-data")

    def service(self) -> None:
        with self.console.step("service") as step:
            detail = "no unit of agent or app is there"
            if self.setup.dry:
                return step.done(WOULD if "units" in self.there else "ok", detail)
            return step.done(self.machine.call("uninstall", "units", *self._places, within=300), detail)

    def linger(self) -> None:
        with self.console.step("linger") as step:
            user = self.setup.facts["user"]
            if "lingering" not in self.there or "linger" not in self.setup.facts:
                on = "linger" in self.setup.facts
                return step.done("ok", f"as {'somebody else turned it on' if on else 'it was: off'} for {user}")
            if self.setup.dry:
                return step.would(f"loginctl disable-linger {user}")
            answer = self.machine.as_root(["loginctl", "--no-ask-password", "disable-linger", user])
            if answer.code:
                raise Failed(
                    answer.cause, f"ask an administrator to type: sudo loginctl disable-linger {user}; then again"
                )
            return step.done("changed", f"off for {user}, as it was")

    def files(self) -> None:
        with self.console.step("files") as step:
            keep = "yes" if self.options.keep_data else ""
            detail = (
                f"all but the data in {self._places[1]} is gone"
                if keep
                else "settings, keys, releases and data are gone"
            )
            if self.setup.dry:
                here = {"config", "link", "agent" if keep else "data"} & set(self.there)
                return step.done(WOULD if here else "ok", detail)
            arguments = ("files", *self._places, self._link, keep)
            return step.done(self.machine.call("uninstall", *arguments, within=300), detail)

    def ssh(self) -> None:
        with self.console.step("ssh", quiet=self.setup.interactive) as step:
            rooted = {"state", *(f"drop-in {name}" for name in self.drop_ins)}
            if not set(self.there) & {"guard", *(rooted if self.machine.become is not None else ())}:
                return step.done(
                    "ok", "nothing of ours to remove" + (" without root" if self.machine.become is None else "")
                )
            if self.setup.dry:
                return step.would(f"sshd without {' and '.join(self.drop_ins) or 'what a change has left'}")
            self._settle()
            if self.machine.become is None:
                return step.done("changed", "a change of the keys that was cut off is undone")
            if self.drop_ins:
                self._open(step)
            self.machine.call("ssh_guard", "forget", root=True)
            return step.done("changed", "sshd is as the VM's own settings have it; your key was proved after it")

    def _settle(self) -> None:
        if "pending" in self.machine.call("ssh_keys", "settle"):
            raise Failed(
                "a change of the keys waits to be confirmed",
                "it undoes itself when its --window is over (a minute, usually); then again",
            )

    def _open(self, step: Step) -> None:
        if self.setup.own is None:
            raise Failed("a password let us in, not a key", "name your own key: -i ~/.ssh/id_ed25519")
        Opening(self.setup, self.machine, self.setup.own).give_back(self.drop_ins, step)

    def _left(self) -> Iterator[str]:
        """What is not ours to remove, or cannot be removed from here."""
        facts = self.setup.facts
        if url := self.there.get("url", ""):
            repo = repository(url, local=True)
            if public := self.there.get("public"):
                yield f"the deploy key {fingerprint_of(public.split()[1])}; delete it at {repo.page}"
            evidence = self.there.get("status_url", url)
            if public := self.there.get("status_public"):
                page = repository(evidence, local=True).page
                yield f"the key for the evidence {fingerprint_of(public.split()[1])}; delete it at {page}"
            branch = f"status/{self.there.get('host', 'NAME')}"
            yield f"the evidence in {evidence}, to delete it: git push {evidence} --delete {branch}"
        if theirs := self.there.get("theirs"):
            yield f"in {facts['config']}, as it is not ours: {theirs}"
        if self.options.keep_data and "data" in self.there:
            yield f"{facts['data']}: releases and data"
        if self.drop_ins and self.machine.become is None:
            rm = " ".join(f"/etc/ssh/sshd_config.d/{name}" for name in self.drop_ins)
            yield f"sshd's settings; an administrator removes them: sudo rm {rm} && sudo systemctl restart ssh"
        yield f"the keys that let {facts['user']} in; those removed at the installation are gone: ssh-copy-id adds one"
        yield "Debian's packages: git, python3-venv, openssh-client"


class Opening(Hardening):
    """SSH without our settings. Guarded like the change itself: it undoes itself unless your key is proved after it."""

    def give_back(self, names: Sequence[str], step: Step) -> None:
        self.names = [*names]
        self._guarded(step)

    def _in_force(self) -> bool:
        return "digest" not in [row[0] for row in self.seen()]

    def _acts(self) -> list[tuple[str, Callable[[], object]]]:
        return [
            ("removing our settings", lambda: self._root("remove", self.id, *self.names)),
            ("proving your key", lambda: self._prove("your key would be locked out")),
            ("confirming", lambda: self._root("commit", self.id)),
        ]


# On this machine: without root; in the foreground below one directory, or where systemd is as its user's service

HOME = Path.home() / ".local" / "share" / "gitops-vm"


def local(console: Console, options: argparse.Namespace) -> int:
    directory = options.directory or (HERE / "build" / "demo" if options.demo else None)
    if not directory and not Path("/run/systemd/system").is_dir():  # sd_booted(3)
        directory = HOME
    root = str(directory.absolute()) if directory else ""
    setup = Setup(console, Machine(root), options)
    with _place(setup) if root else contextlib.nullcontext():
        setup.look()
        if setup.dry and root:
            _foresee_place(setup)
        repo, settings = _origin(setup)
        setup.example = functools.partial(_example, console, options)
        prepare(setup, repo, settings)
        if root:
            _foreground(setup, repo, settings)
        else:
            _as_service(setup, repo)
    return 0


def _place(setup: Setup) -> contextlib.AbstractContextManager[None]:
    """The directory, for us alone; in a dry run only asked whether it could be."""
    directory = Path(setup.machine.root)
    if not setup.dry:
        return claimed(directory, emptied=setup.options.demo)
    if directory.exists():
        _refuse_others(directory)
        with _locked(directory):
            pass
    return contextlib.nullcontext()


def _foresee_place(setup: Setup) -> None:
    """What claiming the directory would do to it. In one that is emptied no agent is any more."""
    directory = Path(setup.machine.root)
    with setup.console.step("directory") as step:
        if not directory.exists():
            return step.would(f"{directory} is made")
        if not setup.options.demo:
            return step.done("ok", f"{directory} is there")
        setup.facts.pop("agent", None)
        return step.would(f"{directory} is emptied")


def _origin(setup: Setup) -> tuple[Repository, dict[str, str]]:
    """The repository to follow, a bare one beside the agent unless another is given; and the app's secrets."""
    url = setup.options.repo
    if not url:
        url = f"{setup.machine.root or HOME}/remote.git"
        if not setup.dry and not Path(url).exists():
            # Without git nothing comes of it, and the step that looks for packages says so.
            setup.machine.answer(["git", "init", "--quiet", "--bare", "--initial-branch=main", url])
    settings = tokens(setup.options.env_file)
    if setup.options.demo and not settings:
        settings = {"HF_TOKEN": "hf_of_nobody", "API_URL": f"http://127.0.0.1:{free_port(8020)}"}
    return repository(url, local=True), settings


@contextlib.contextmanager
def _example(console: Console, options: argparse.Namespace) -> Iterator[Path]:
    """The files of an app as a user would have them, on a port that is free here."""
    with tempfile.TemporaryDirectory(prefix="gitops-vm-") as directory:
        tree = Path(directory)
        for file in (found for name in EXAMPLE for found in files_of(HERE / name)):
            name = file.relative_to(HERE)
            if name.parts[:2] == ("app", "training") or (name.parts[0] == "requirements" and name.stem not in LOCKS):
                continue
            (tree / name.parent).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, tree / name)
        (tree / "README.md").write_text(
            "Push to this repository: the agent deploys what desired-state.yaml declares.\n"
        )
        _adapt(tree / "desired-state.yaml", console, options)
        yield tree


LOCKS = ("api", "onnx", "local")
"""The app's own, of the files in requirements/."""


def _adapt(file: Path, console: Console, options: argparse.Namespace) -> None:
    text = file.read_text()
    declared = re.search(r"(?m)^  port: (\d+)$", text)
    if not declared or re.search(r"(?m)^sync:", text):
        raise Failed(
            f"{HERE}/desired-state.yaml is not the example of this checkout", "git checkout desired-state.yaml"
        )
    wanted = options.app_port or int(declared[1])
    port = free_port(wanted)
    if port != wanted:
        console.line(f"port {wanted} is taken; the app gets {port}")
    text = text.replace(declared[0], f"  port: {port}")
    file.write_text(
        f"{text}\n# The repository is on this machine: asking it often costs nothing.\nsync: {{interval: 2s}}\n"
    )


def free_port(wanted: int) -> int:
    """The wanted TCP port, or the next one that nobody listens on."""
    for port in range(wanted, min(wanted + 200, 65536)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
            probe.listen()
            return port
    raise Failed(f"no port from {wanted} on is free", "give another one: --port N")


@contextlib.contextmanager
def claimed(directory: Path, *, emptied: bool) -> Iterator[None]:
    """The directory for us alone. Never empties one that is not a demo's, nor one in which a demo runs."""
    directory.mkdir(parents=True, exist_ok=True)
    _refuse_others(directory)
    with _locked(directory):
        marker = directory / OURS
        marker.touch()
        _end_leftovers(directory)
        for entry in {*directory.iterdir()} - {marker} if emptied else ():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        yield


OURS = ".gitops-vm"
"""A directory that holds a file of this name may be emptied."""


def _refuse_others(directory: Path) -> None:
    if any(directory.iterdir()) and not (directory / OURS).exists():
        raise Failed(f"{directory} holds something else", "give another one: --directory DIR")


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        _lock(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Failed(f"another one runs in {directory}", "end it with Ctrl-C, or give another --directory") from None


def _end_leftovers(directory: Path) -> None:
    """After a kill -9 of an earlier one: what it had started, and an installation that was under way."""
    end_processes(directory)
    with contextlib.suppress(FileNotFoundError), (directory / "agent" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def _foreground(setup: Setup, repo: Repository, settings: Mapping[str, str]) -> None:
    """The agent, for as long as this program runs."""
    if setup.dry:
        with setup.console.step("ready") as step:
            step.would("agent and app run here until Ctrl-C")
        return
    resident = Resident(setup)
    with resident.running():
        status = setup.ready()
        if "API_URL" in settings:
            resident.stand_in(settings["API_URL"])
        show(setup, repo, status)
        setup.console.line("Ctrl-C ends it. What happens:\n")
        with contextlib.suppress(KeyboardInterrupt):
            resident.follow()


class Resident:
    """The daemon and what it started: the supervisor, the app. And the demo's stand-in for Hugging Face."""

    def __init__(self, setup: Setup) -> None:
        self._setup, self._console = setup, setup.console
        self._data = Path(setup.facts["data"])
        self._bin = self._data / "agent" / "current" / "bin"
        self._started: list[subprocess.Popen[bytes]] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        # After a kill -9 of an earlier one, its supervisor may still be there.
        self._shut_down_supervisor()
        environ = {**self._setup.machine.environ, "GITOPS_VM_SUPERVISOR": "embedded"}
        self._start([str(self._bin / "gitops-vm"), "run"], "agent.log", environ)
        try:
            yield
        finally:
            self._end()

    def _end(self) -> None:
        """Nothing stays; another Ctrl-C does not interrupt it."""
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
        with self._console.step("end") as step:
            for process in self._started:
                process.terminate()
            for process in self._started:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(40)
            self._shut_down_supervisor()
            if self._setup.machine.root:
                end_processes(self._data)
            step.done("ok", f"nothing runs any more; what was deployed is in {self._data}")

    def _start(self, argv: Sequence[str], log: str, environ: Mapping[str, str], *, cwd: Path = Path("/")) -> None:
        """In a session of its own: Ctrl-C is for us, who end things in order."""
        with (self._data / log).open("ab") as output:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environ,
                cwd=cwd,
                start_new_session=True,
            )
        self._started.append(process)

    def _shut_down_supervisor(self) -> None:
        module = ["-I", "-m", "agent.host.supervisor", str(self._data / "supervisor"), "shutdown"]
        self._setup.machine.answer([str(self._bin / "python"), *module], within=120)

    def stand_in(self, url: str) -> None:
        """Mode api without an account: a server that speaks the protocol of Hugging Face and answers with the tiny model."""
        deployed = (self._data / "current").resolve()
        if not (deployed / "tree" / "app" / "standin.py").exists():
            return  # the repository that was given holds another app
        with self._console.step("stand-in") as step:
            venv, log, port = self._data / "stand-in", "stand-in.log", int(url.rpartition(":")[2])
            venv_id = json.loads((deployed / "release.json").read_text())["venv"]
            # A copy by hard links: the agent may remove the release's own when nothing uses it any more.
            shutil.copytree(self._data / "venvs" / venv_id, venv, symlinks=True, copy_function=os.link)
            environ = {**self._setup.machine.environ, "PYTHONDONTWRITEBYTECODE": "1"}
            self._start([f"{venv}/bin/python", "-m", "app.standin", f"--port={port}"], log, environ, cwd=HERE)
            until(lambda: listens(port), within=60, what="the stand-in", log=self._data / log)
            step.done("changed", f"no HF_TOKEN is set: in mode api {url} answers instead of Hugging Face")

    def follow(self) -> None:
        """What happens, in plain words, until somebody ends it. Failed when the agent ends by itself."""
        told: set[str] = set()
        stamp = 0.0
        while self._started[0].poll() is None:
            with contextlib.suppress(FileNotFoundError):
                written = (self._data / "state" / "memory.json").stat().st_mtime
                if written != stamp:
                    stamp = written
                    self._tell_events(told)
            time.sleep(0.5)
        raise Failed(f"the agent ended with {self._started[0].returncode}", f"see {self._data}/agent.log")

    def _tell_events(self, told: set[str]) -> None:
        answer = self._setup.machine.answer([str(self._bin / "gitops-vm"), "events", "--json"])
        for event in json.loads(answer.out) if answer.code == 0 else ():
            line = f"{event['time'][11:19]}  {event['message']}"
            if line not in told:
                told.add(line)
                self._console.line(line)


def until(claim: Callable[[], bool], *, within: float, what: str, log: Path) -> None:
    end = time.monotonic() + within
    while not claim():
        if time.monotonic() > end:
            raise Failed(f"{what} did not start", f"see {log}")
        time.sleep(0.1)


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def end_processes(directory: Path) -> None:
    """End the programs that run from below it, by pid. A shell or an editor that only looks into it is left alone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        found = processes_below(directory)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        end = time.monotonic() + 5
        while processes_below(directory) and time.monotonic() < end:
            time.sleep(0.05)


def processes_below(directory: Path) -> list[int]:
    """Whose program lies below the directory; ssh's shared connections by the socket they name in their title."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else [b""]
            if words[0].startswith((os.fsencode(f"{directory}/"), os.fsencode(f"ssh: {directory}/"))):
                found.append(int(entry.name))
    return found


# The command line

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Parser(argparse.ArgumentParser):
    as_json = False

    def error(self, message: str) -> NoReturn:
        if self.as_json:
            misuse(message)
        self.exit(USAGE, f"{self.prog}: {message}; --help shows examples\n")


def misuse(message: str) -> None:
    """What programs read of a command line that cannot be meant, as they do of gitops-vm's."""
    print(json.dumps({"error": {"reason": "Misuse", "message": message, "hint": ""}}), flush=True)


class _Version(argparse.Action):
    """Of this checkout: the release that it installs."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        try:
            print(f"bootstrap.py {packed(HERE)[0]}")
        except Failed as failure:
            parser.error(str(failure))
        parser.exit()


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Raises SystemExit(64) for what it does not understand."""
    verb = argv[0] if argv and argv[0] in VERBS else "install"
    description, _, prepare_parser = VERBS[verb]
    verbs = "\n".join(f"  {name:<11} {each[0]}" for name, each in VERBS.items())
    parser = _Parser(
        prog="bootstrap.py" if verb == "install" else f"bootstrap.py {verb}",
        description=description + (f"\n\nverbs (without one: install):\n{verbs}" if verb == "install" else ""),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    prepare_parser(parser)
    told = argparse.SUPPRESS if verb == "check" else "change nothing; say what would be (exit code 2)"
    parser.add_argument("--dry-run", action="store_true", help=told)
    parser.add_argument("--json", action="store_true", help="a line of JSON for each step")
    parser.add_argument("--yes", action="store_true", help="ask nothing (for scripts)")
    parser.add_argument("--version", action=_Version, nargs=0, help="of this checkout, which is what is installed")
    parser.as_json = "--json" in argv
    options, rest = parser.parse_known_args(argv[1:] if argv[:1] == [verb] else argv)
    if rest:
        parser.error(_unmeant(argv[0], rest))
    options.verb = verb
    if "target" in options:
        _locate(parser, options)
    _check(parser, options)
    return options


AGENT_VERBS = frozenset(
    [
        *("run", "reconcile", "plan", "status", "wait", "logs", "events", "history", "restart", "stop", "start"),
        *("rollback", "suspend", "resume", "gc", "validate", "smoke", "watch", "version"),
    ]
)
"""Those of gitops-vm."""


def _unmeant(first: str, rest: Sequence[str]) -> str:
    """What to write instead, where the first word or one too many looks like a verb."""
    if first in AGENT_VERBS:
        return f"{first} is a verb of gitops-vm: gitops-vm {first} --help"
    if late := [word for word in rest if word in VERBS]:
        return f"the verb stands first: bootstrap.py {late[0]}"
    close = difflib.get_close_matches(first, VERBS, n=1)
    if close and first not in VERBS and not rest[0].startswith("-"):
        return f"unknown verb {first!r}; did you mean bootstrap.py {close[0]}?"
    return f"unrecognized arguments: {' '.join(rest)}"


def _install_arguments(parser: argparse.ArgumentParser) -> None:
    login_arguments(parser)
    _ssh_arguments(parser.add_argument_group("its SSH"))
    _repository_arguments(parser.add_argument_group("the repository"))
    _package_arguments(parser)
    _secret_arguments(parser)


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    login_arguments(parser)
    group = parser.add_argument_group("its SSH")
    _keep_argument(group)
    parser.set_defaults(**NOT_ASKED, url=None)


def _recover_arguments(parser: argparse.ArgumentParser) -> None:
    login_arguments(parser)
    parser.add_argument(
        "--cooldown", metavar="TIME", type=seconds, default=1800.0, help="do nothing so soon after the last try (30m)"
    )
    parser.add_argument(
        "--wait", metavar="TIME", type=seconds, default=300.0, help="patience until the app is ready (5m)"
    )
    parser.set_defaults(**NOT_ASKED, url=None, keep_key=[])


def _uninstall_arguments(parser: argparse.ArgumentParser) -> None:
    login_arguments(parser)
    parser.add_argument(
        "--keep-data", action="store_true", help="leave releases, their environments and what the agent learned"
    )
    parser.set_defaults(**NOT_ASKED, url=None, keep_key=[], window=60.0)


NOT_ASKED = {"entry_key": None, "make_key": False, "crypto": False, "only": None, "repo": None}
"""What only an installation takes."""


def _local_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--demo", action="store_true", help="everything below one directory, emptied first, until Ctrl-C"
    )
    parser.add_argument("--directory", metavar="DIR", type=Path, help="everything below it (demo: build/demo)")
    parser.add_argument("-p", "--port", metavar="PORT", type=port_number, dest="app_port", help="the app's port")
    _repository_arguments(parser.add_argument_group("the repository"))
    _package_arguments(parser)
    _secret_arguments(parser)


def _secret_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--env-file", metavar="FILE", type=Path, help="the app's secrets, as lines NAME=value; mode 0600"
    )


def login_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of every verb that goes to a VM."""
    parser.add_argument(
        "target", metavar="USER@HOST", nargs="?", help="the VM, or its name in vms.ini (GITOPS_VM_HOST)"
    )
    group = parser.add_argument_group("the VM")
    group.add_argument("-p", "--port", metavar="PORT", type=port_number, help="its ssh port (GITOPS_VM_PORT)")
    group.add_argument("-i", "--identity", metavar="KEY", help="your own key, the one that stays (GITOPS_VM_IDENTITY)")
    group.add_argument("-J", "--jump", metavar="HOST", help="the hosts on the way there, as for ssh")
    group.add_argument("-F", "--ssh-config", metavar="FILE", help="your ssh configuration (~/.ssh/config)")
    group.add_argument(
        "--host-key-fingerprint", metavar="SHA256:...", help="its host key, when your ssh does not know it"
    )
    group.add_argument("--vms", metavar="FILE", type=Path, help="where VMs are described (docs/vms.md)")


def _ssh_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--make-key", action="store_true", help="make your own key when it is not there")
    group.add_argument(
        "--entry-key", metavar="KEY", help="a key that lets you in until yours does, such as a shared one"
    )
    _keep_argument(group)
    group.add_argument("--crypto", action="store_true", help="allow only what ssh-audit has nothing against")
    group.add_argument(
        "--window",
        metavar="TIME",
        type=window,
        default=60.0,
        help="after which an unconfirmed change undoes itself (60s), from 4s to 1h",
    )
    group.add_argument("--only", choices=("ssh", "agent"), help="only secure SSH; or leave SSH as it is")


def _keep_argument(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--keep-key",
        metavar="KEY",
        action="append",
        default=[],
        help="another that stays: file or SHA256:...; repeatable",
    )


def _repository_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--repo",
        metavar="URL",
        help="git@host:path, ssh://git@host/path or https://host/path (the origin of the clone you stand in)",
    )
    group.add_argument("--status-repo", metavar="URL", help="a repository for the evidence alone, with a key of its own: the code's key need only read then")  # fmt: skip
    group.add_argument("--branch", help="what is followed (main)")
    group.add_argument("--path", metavar="FILE", help="where desired-state.yaml is in it")
    group.add_argument("--name", metavar="NAME", help="what the machine is called in status/NAME (its host name)")
    group.add_argument("--repo-host-key", metavar="SHA256:...", help="the host key of its server")
    group.add_argument("--deploy-key", metavar="FILE", help="the key to use there (else one is made on the machine)")
    group.add_argument("--status-host-key", metavar="SHA256:...", help="as --repo-host-key, for --status-repo")
    group.add_argument("--status-key", metavar="FILE", help="as --deploy-key, for --status-repo")
    group.add_argument("--forge-api", metavar="URL", type=api_url, default=os.environ.get("GITOPS_VM_FORGE_API"), help="the API of its forge, to register the key at (GITOPS_VM_FORGE_API); github.com, gitlab.com and codeberg.org are known")  # fmt: skip
    group.add_argument("--wait", metavar="TIME", type=seconds, default=600.0, help="patience, such as 10m: for somebody to add the key, for the app to be ready")  # fmt: skip


def _package_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("packages (default: what pip on the machine is set to)")
    group.add_argument("--index", metavar="URL", help="the package index")
    group.add_argument(
        "--find-links", metavar="PLACE", action="append", help="a folder or page with wheels; repeatable"
    )


# Which VM: what is typed, else the environment, else a section of vms.ini (docs/vms.md)

VM_KEYS = (
    *("host", "port", "user", "identity", "keep-key", "repo", "status-repo", "host-key-fingerprint", "url", "name"),
)


def _locate(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Complete the target, and what a section says of it."""
    try:
        sections = _sections(options.vms)
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        parser.error(f"vms.ini: {_unreadable(error)}")
    options.sections = list(sections)
    only = next(iter(sections)) if len(sections) == 1 else ""
    options.named = options.target or os.environ.get("GITOPS_VM_HOST", "") or only
    user, at, host = options.named.rpartition("@")
    if not host or re.search(r"\A-|\s", user + at + host):
        parser.error(
            f"{user + at + host!r} is not USER@HOST" if host else "which VM? Give USER@HOST, or a name of vms.ini"
        )
    if not at and host in AGENT_VERBS and host not in sections:
        parser.error(f"{_unmeant(host, [])} (a host of this name: USER@{host})")
    section = sections.get(host, {})
    if unknown := set(section) - set(VM_KEYS):
        parser.error(f"vms.ini: [{host}] {', '.join(sorted(unknown))}: not one of {', '.join(VM_KEYS)}")
    user = user or os.environ.get("GITOPS_VM_USER", "") or section.get("user", "")
    host = section.get("host", host)
    if ported := re.fullmatch(r"([^:]+|\[.+\]):(\d+)", host):
        parser.error(f"{host!r} is no host: write {user and f'{user}@'}{ported[1].strip('[]')} -p {ported[2]}")
    options.target = f"{user}@{host}" if user else host
    written = os.environ.get("GITOPS_VM_PORT") or section.get("port")
    try:
        options.port = options.port or (port_number(written) if written else None)
    except argparse.ArgumentTypeError as error:
        parser.error(f"GITOPS_VM_PORT or vms.ini: {error}")
    options.identity = options.identity or os.environ.get("GITOPS_VM_IDENTITY") or section.get("identity")
    if options.verb in KEEPING:
        written_keys = re.split(r"[,\n]", section.get("keep-key", ""))
        options.keep_key = [*options.keep_key, *filter(None, map(str.strip, written_keys))]
    for name in ("repo", "status-repo", "host-key-fingerprint", "url", "name"):
        attribute = name.replace("-", "_")
        setattr(options, attribute, getattr(options, attribute, None) or section.get(name))


KEEPING = frozenset(["install", "check"])
"""The verbs to which it matters whose keys stay."""


def _sections(named: Path | None) -> dict[str, dict[str, str]]:
    """Of the first file that is there."""
    chosen = named or os.environ.get("GITOPS_VM_VMS")
    places = [Path(chosen)] if chosen else [Path("vms.ini"), Path.home() / ".config" / "gitops-vm" / "vms.ini"]
    reader = configparser.ConfigParser(interpolation=None)
    for place in places:
        if chosen or place.exists():
            reader.read_string(place.read_text(encoding="utf-8"), str(place))
            break
    return {name: dict(reader[name]) for name in reader.sections()}


def _unreadable(error: Exception) -> str:
    """Why a file of VMs cannot be read; never with a line of it, which may hold anything."""
    if isinstance(error, OSError):
        return f"cannot read {error.filename}: {error.strerror}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8; type: iconv -f latin1 -t utf-8 vms.ini > vms.new && mv vms.new vms.ini"
    line = getattr(error, "lineno", None) or getattr(error, "errors", [("?", "")])[0][0]
    return f"line {line}: write [NAME], KEY = VALUE, or # and a comment; and no name twice"


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.verb == "check" and options.dry_run:
        parser.error("check changes nothing: leave --dry-run out")
    if options.verb == "install":
        options.repo = options.repo or _origin_here()
        if not options.repo and options.only != "ssh":
            parser.error("--repo URL is missing: the repository the VM is to follow (or --only ssh)")
        options.repo = None if options.only == "ssh" else options.repo
    for name in ("identity", "entry_key", "deploy_key", "status_key"):
        given = getattr(options, name, None)
        file = str(Path(given).expanduser()) if given else ""
        makes = options.verb == "install" and (options.make_key or sys.stdin.isatty())
        may_come = name == "identity" and makes
        missing = not os.path.lexists(file)
        if file and (wrong := _unusable(Path(file))) and not (may_come and missing):
            could = missing and name == "identity" and options.verb == "install"
            make = "; add --make-key to have it made" if could else ""
            parser.error(f"--{name.replace('_', '-')}: {wrong}{make}")
        setattr(options, name, file or None)
    for name in ("host_key_fingerprint", "repo_host_key", "status_host_key"):
        if not re.fullmatch(f"({FINGERPRINT})?", getattr(options, name, None) or ""):
            parser.error(f"--{name.replace('_', '-')}: {WHOLE}")
    if options.verb in KEEPING:
        options.keep_key = [_kept(parser, key) for key in options.keep_key]


FINGERPRINT = "SHA256:[A-Za-z0-9+/]{43}"
KEPT = "--keep-key, or keep-key in vms.ini"
WHOLE = "write it as `ssh-keygen -lf` does: SHA256: and 43 characters"


def _unusable(file: Path) -> str:
    """Why it cannot be the file of a key; empty when it may be one."""
    if file.exists() and not file.is_file():
        return f"{file} is not a file; name the key in it" if file.is_dir() else f"{file} is not a file"
    return "" if os.access(file, os.R_OK) else f"cannot read {file}"


def _kept(parser: argparse.ArgumentParser, key: str) -> str:
    """The fingerprint of a key that is to stay, given as that or as its file."""
    if key.startswith("SHA256:"):
        return key if re.fullmatch(FINGERPRINT, key) else parser.error(f"{KEPT}: {WHOLE}")
    file = Path(key).expanduser()
    if wrong := _unusable(file):
        parser.error(f"{KEPT}: {wrong}; write a key's file, or its fingerprint SHA256:...")
    try:
        return key_of(file).fingerprint
    except Failed as failure:
        return parser.error(f"{KEPT}: {failure}")


def _origin_here() -> str:
    """Where the repository we stand in comes from, if it declares an app: then it is the one that is meant."""
    if not Path("desired-state.yaml").exists() or not shutil.which("git"):
        return ""
    return run(["git", "remote", "get-url", "origin"], within=10, env=os.environ, own_session=True).out.strip()


def port_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def seconds(text: str) -> float:
    """`90s`, `10m`, `1h`."""
    match = re.fullmatch(r"(\d{1,6})([smh])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 10m or 1h")
    return int(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[match[2]]


def window(text: str) -> float:
    """The same, long enough to prove a login in and short enough to wait for when locked out."""
    found = seconds(text)
    if not SHORTEST <= found <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time from {SHORTEST} s to {_long(LONGEST)}")
    return found


SHORTEST, LONGEST = 4, 3600  # seconds


def _interrupted(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


Verb = tuple[str, Callable[[Console, argparse.Namespace], int], Callable[[argparse.ArgumentParser], None]]

VERBS: Mapping[str, Verb] = {
    "install": ("Secure a VM's SSH and install the gitops-vm agent there.", deploy, _install_arguments),
    "check": ("Look whether all is well with a VM, its agent and its app; change nothing.", check, _check_arguments),
    "recover": ("Bring agent and app of a VM back; where all is well, do nothing.", recover, _recover_arguments),
    "uninstall": ("Take agent and app off a VM, and SSH settings back.", uninstall, _uninstall_arguments),
    "local": ("Install the gitops-vm agent on this machine.", local, _local_arguments),
}
"""What each is for, what it does, what it takes. Without a verb it is `install`."""


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
    console = Console(json=options.json)
    for number in STOPPING:
        signal.signal(number, _interrupted)
    try:
        return VERBS[options.verb][1](console, options) or (WOULD_CHANGE if console.would_change else 0)
    except Misused as error:
        if options.json:
            misuse(str(error))
        print(f"bootstrap.py: {error}", file=sys.stderr)
        return USAGE
    except Failed as failure:
        if not failure.told:
            print(f"bootstrap.py: {failure}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
