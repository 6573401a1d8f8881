"""Why git failed, told by what it wrote: who can cure it, and what they have to type."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from ..errors import AgentError, Broken, Reason, Stalled, Transient
from . import disk
from .command import Result
from .transport import Remote

_USERINFO = re.compile(r"(\w+://)[^\s/@]*:[^\s/]*@|(https?://)[^\s/@]*@")
_MARKED = re.compile(r"^fatal: (?!Could not read)|^error: |^ERROR: |^ssh: |^remote: \S|Permission denied \(")
_QUERY = re.compile(r"(\w+://[^\s?']*)\?[^\s']*")


def public(text: str) -> str:
    """Without what may be a secret in a URL: user and password, and everything after a question mark."""
    return _QUERY.sub(r"\1?***", _USERINFO.sub(r"\1\2***@", text))


def failure(remote: Remote, result: Result, deadline: timedelta) -> AgentError:
    """The error that a failed `git` with this remote stands for."""
    said = public(result.complaint)
    if result.timed_out:
        waited = f"{public(remote.url)} did not answer within {deadline.total_seconds():g} s"
        return Transient(Reason.DEADLINE_EXCEEDED, waited, evidence=said)
    for signs, explain in _KNOWN:
        if re.search(signs, said):
            error = explain(remote, telling(said))
            error.evidence = said
            return error
    message = f"{public(remote.url)}: {telling(said) or f'git ended with {result.code}'}"
    return Transient(Reason.GIT_OPERATION_FAILED, message, evidence=said)


def telling(said: str) -> str:
    """The line that says most: the first that ssh or git mark as an error, else the first: what follows is advice."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    marked = (line for line in lines if _MARKED.search(line))
    return next(marked, lines[0] if lines else "").removeprefix("fatal: ")


def _host_key(remote: Remote, _line: str) -> AgentError:
    host, _, port = remote.host.partition(":")
    scan = f"ssh-keyscan {f'-p {port} ' if port else ''}{host}"
    return Broken(
        Reason.HOST_KEY_MISMATCH,
        f"the host key of {remote.host} is not the one that was pinned",
        hint=f"if the operators of {host} announced a new key: {scan} >> {remote.known_hosts}, and compare fingerprints",
    )


def _refused(remote: Remote, line: str) -> AgentError:
    if remote.protocol == "ssh":
        hint = _about_key(remote.key)
    else:
        hint = f"write one line user:token into {remote.credentials or 'the credentials file'}, mode 0600"
    return Broken(Reason.AUTHENTICATION_FAILED, f"{public(remote.url)} does not let us in: {line}", hint=hint)


def _about_key(key: Path | None) -> str:
    if key is None or not key.exists():
        return f"there is no key yet: ssh-keygen -q -t ed25519 -N '' -f {key}, and let it in there (a deploy key)"
    if key.stat().st_mode & 0o077:
        return f"ssh uses no key that others can read: chmod 600 {key}"
    return f"give the key that `ssh-keygen -yf {key}` shows access to the repository (a deploy key)"


def _read_only(remote: Remote, line: str) -> AgentError:
    message = f"{public(remote.url)} lets us read and not write: {line}"
    if remote.protocol == "ssh":
        hint = f"give the key that `ssh-keygen -yf {remote.key}` shows write access there"
    else:
        hint = f"give the token in {remote.credentials} write access there"
    return Broken(Reason.AUTHENTICATION_FAILED, message, hint=hint)


def _absent(remote: Remote, _line: str) -> AgentError:
    message = f"there is no repository at {public(remote.url)}"
    return Broken(Reason.GIT_OPERATION_FAILED, message, hint="correct the url, or put the repository back")


def _no_ref(remote: Remote, _line: str) -> AgentError:
    return Stalled(Reason.REF_NOT_FOUND, f"{remote.name} does not exist at {public(remote.url)}")


def _too_large(remote: Remote, _line: str) -> AgentError:
    message = f"{public(remote.url)} is larger than limits.repository in source.yaml allows"
    return Stalled(Reason.LIMIT_EXCEEDED, message)


def _full(_remote: Remote, line: str) -> AgentError:
    return disk.full(line)


def _malformed(remote: Remote, line: str) -> AgentError:
    return Stalled(Reason.GIT_OPERATION_FAILED, f"{public(remote.url)} holds a malformed object: {line}")


def _embedded(_remote: Remote, _line: str) -> AgentError:
    message = "the url holds a password or token, which git would show and store"
    return Broken(
        Reason.AUTHENTICATION_FAILED, message, hint="move it into the credentials file: one line user:token, mode 0600"
    )


def _forbidden(remote: Remote, _line: str) -> AgentError:
    message = f"{public(remote.url)} is not an address git may use here"
    return Broken(
        Reason.GIT_OPERATION_FAILED, message, hint="write ssh://git@host/path, git@host:path or https://host/path"
    )


_KNOWN: tuple[tuple[str, Callable[[Remote, str], AgentError]], ...] = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known", _host_key),
    (r"No space left on device|Disk quota exceeded", _full),
    (r"File too large", _too_large),
    (r"fsck error|fsck(Objects)?: |in tree-ish|error in object", _malformed),
    (r"(?i)\bkey\b.*(read.only|write access|authorized to write)|write access .*not granted", _read_only),
    (r"not allowed to push code to this project", _read_only),
    (r"Permission denied \(|Authentication failed|could not read (Username|Password)|Load key ", _refused),
    (r"returned error: 40[13]|Repository not found", _refused),
    (r"contains '[^']*' with plaintext credentials|uses plaintext credentials", _embedded),
    (r"couldn't find remote ref|not our ref|no such remote ref|unadvertised object", _no_ref),
    (r"does not appear to be a git repository|repository '[^']*' not found|returned error: 404", _absent),
    (r"transport '[^']*' not allowed|strange (hostname|pathname)", _forbidden),
)
"""From the wording of git 2.39 and OpenSSH 9.2 in the C locale, and of the forges where a key may only read. What is not
listed is taken for a fault of the network."""
