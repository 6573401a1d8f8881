"""Where a repository is and what is followed in it. The rules are stricter than git's: nothing here can become an option or a program."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, ValidationInfo, WithJsonSchema, model_validator

from .base import Strict
from .values import Matching, anchored, refusal

LOCAL_ALLOWED = "allow_local"
"""Key of the validation context: true where a repository on this machine may be named."""

_PLACE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_USER = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_WAY = r"[A-Za-z0-9._~/+%-]*"
_HTTPS = rf"https://{_PLACE}(?::[0-9]{{1,5}})?/{_WAY}"
_SSH = rf"ssh://(?:{_USER}@)?{_PLACE}(?::[0-9]{{1,5}})?/{_WAY}"
_SCP = rf"(?:{_USER}@)?{_PLACE}:[A-Za-z0-9._~/]{_WAY}"
_REMOTE = f"{_HTTPS}|{_SSH}|(?!/|[A-Za-z]+://){_SCP}"
_LOCAL = r"(?:file://)?/(?!.*(?:^|/)\.\.(?:/|$))[A-Za-z0-9._~/+@-]*"
_LONGEST = 2048

_CREDENTIALS = "never with a token or password in it: use an ssh URL, or give them to bootstrap.py, which keeps them in a 0600 file on the VM"
_FORMS = "write ssh://git@host/path, git@host:path or https://host/path"
# git-check-ref-format(1), and no "-" in front: git's own check lets refs/heads/-x pass.
_REF = r"(?![-/.])(?!@$)(?!.*(?:\.\.|//|/\.|@\{|\.lock(?:/|$)|[./]$))[^\x00-\x20\x7f~^:?*\[\\]{1,200}"


def _url(text: str, info: ValidationInfo) -> str:
    if len(text) <= _LONGEST and re.fullmatch(_REMOTE, text):
        return text
    if (info.context or {}).get(LOCAL_ALLOWED) and re.fullmatch(_LOCAL, text):
        return text
    raise refusal(_why_not(text[:_LONGEST]))


def _why_not(text: str) -> str:
    """The reason without the URL, which may hold a secret."""
    if re.match(r"https?://[^/]*@|ssh://[^/@]*:[^/]*@|https?://.*[?#]", text):
        return _CREDENTIALS
    if re.match(r"(?:http|git|ftps?)://", text):
        return f"is neither encrypted nor authenticated; {_FORMS}"
    if text.startswith(("/", "file://")):
        return f"a repository on this machine is read only where source.yaml's url is a path without spaces or ..; {_FORMS}"
    return f"is not the URL of a repository; {_FORMS}"


RemoteURL = Annotated[
    str, AfterValidator(_url), WithJsonSchema({"type": "string", "pattern": anchored(f"{_REMOTE}|{_LOCAL}")})
]


def _branch(text: str) -> str:
    if text.startswith("refs/"):
        raise refusal(f'write the short name: "{text.removeprefix("refs/heads/").removeprefix("refs/tags/")}"')
    if text == "HEAD":
        raise refusal("write the branch's own name, such as main")
    return text


RefName = Annotated[str, Matching(_REF, "is not a name git accepts for a branch or a tag"), AfterValidator(_branch)]
Commit = Annotated[str, Matching(r"[0-9a-f]{40}|[0-9a-f]{64}", "write the full commit: 40 lower-case hex digits")]


class Ref(Strict):
    """What is followed: exactly one of the three."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    branch: RefName | None = None
    """A branch, by its short name."""
    tag: RefName | None = None
    """A tag, by its short name; an annotated one stands for the commit it names."""
    commit: Commit | None = None
    """A full commit; nothing is followed then."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise refusal('write exactly one of branch, tag and commit, such as "ref: {branch: main}"')
        return self

    @property
    def name(self) -> str:
        """The short name of the branch or tag, or the commit."""
        return self.branch or self.tag or self.commit or ""

    @property
    def full(self) -> str:
        """What git is asked for: `refs/heads/main`, `refs/tags/v1`, or the commit."""
        if self.branch:
            return f"refs/heads/{self.branch}"
        return f"refs/tags/{self.tag}" if self.tag else self.name
