"""Run git: in a fixed environment, with fixed settings, under a deadline. Everything that takes a ref or talks to a remote
goes through here; what the repository or this user's configuration say about programs to run is never heard.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from ..errors import AgentError, Broken, Reason
from . import askpass, command, ssh
from .command import Result
from .git_errors import failure
from .transport import Remote

_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.autocrlf": "false",
    "core.symlinks": "true",
    "core.protectNTFS": "true",  # also `.GIT` and `git~1` are no names for a file
    "core.protectHFS": "true",
    "transfer.fsckObjects": "true",
    "transfer.credentialsInUrl": "die",
    "credential.helper": "",
    "submodule.recurse": "false",
    "gc.autoDetach": "false",
    "maintenance.auto": "false",
    "http.lowSpeedLimit": "1000",  # bytes a second; git's own default is to wait for ever
    "http.lowSpeedTime": "20",  # seconds
}
_FIXED = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
_INHERITED = (
    *("HOME", "PATH", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"),
)


def argv(*arguments: str | Path, directory: Path | None = None) -> list[str]:
    """The command line of `git ARGUMENTS` on the bare repository `directory`."""
    settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    where = [f"--git-dir={directory}"] if directory else []
    return ["git", *settings, *where, *map(str, arguments)]


def environment(remote: Remote | None = None) -> dict[str, str]:
    """What git sees: with a remote its protocol and credentials, without one no network at all."""
    inherited = {name: os.environ[name] for name in _INHERITED if os.environ.get(name)}
    if "SSL_CERT_FILE" in inherited:  # the variable every program knows but git's TLS library
        inherited.setdefault("GIT_SSL_CAINFO", inherited["SSL_CERT_FILE"])
    return {**inherited, **_FIXED, **_access(remote)}


def _access(remote: Remote | None) -> dict[str, str]:
    if remote is None:
        return {"GIT_ALLOW_PROTOCOL": "none"}
    allowed = {"GIT_ALLOW_PROTOCOL": remote.protocol}
    if remote.protocol == "ssh":
        return {**allowed, "GIT_SSH_COMMAND": shlex.join(ssh.argv(remote)), "GIT_SSH_VARIANT": "ssh"}
    return {**allowed, **askpass.environment(remote)}


def local(
    directory: Path,
    *arguments: str | Path,
    deadline: timedelta,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    tick: Callable[[], None] | None = None,
) -> Result:
    """`git ARGUMENTS` on a bare repository, without the network. Its failure is the caller's to judge.

    Raises Broken where there is no git.
    """
    words, variables = argv(*arguments, directory=directory), {**environment(), **(env or {})}
    with _there():
        return command.run(words, deadline=deadline, env=variables, stdin=stdin, tick=tick)


@contextmanager
def _there() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        hint = "type: sudo apt-get install git"
        raise Broken(Reason.GIT_OPERATION_FAILED, "git is not installed here", hint=hint) from None


def talk(
    remote: Remote,
    *arguments: str | Path,
    deadline: timedelta,
    directory: Path | None = None,
    file_size: int | None = None,
    tick: Callable[[], None] | None = None,
) -> Result:
    """`git ARGUMENTS` with the remote's credentials; put `--` and `remote.url` among the arguments.

    No file it writes grows beyond `file_size` bytes. Raises AgentError where it fails, sorted by who can cure it.
    """
    words = [*_limit(file_size), *argv(*arguments, directory=directory)]
    with _there():
        result = command.run(words, deadline=deadline, env=environment(remote), tick=tick)
    if result.ok:
        return result
    error = failure(remote, result, deadline)
    if not _answered(error):
        ssh.disconnect(remote)  # it may be the shared connection that hangs
    raise error


def _answered(error: AgentError) -> bool:
    """The remote looked and said no. What another process is just doing over the shared connection must go on."""
    return error.reason is Reason.REF_NOT_FOUND or "rejected]" in error.evidence


def _limit(file_size: int | None) -> list[str]:
    # With the signal ignored git is told that the file is too large, and says so.
    return ["prlimit", f"--fsize={file_size}", "--", "env", "--ignore-signal=XFSZ"] if file_size else []
