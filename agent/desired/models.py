"""`models`: what is fetched from a model hub before a release is started."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from pydantic import Field

from ..names import ModelId
from .base import Strict
from .values import Matching

MOST = 20
_DIGITS = 16
_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"

RepoId = Annotated[
    str,
    Matching(
        rf"(?=.{{3,96}}$)(?!.*(?:--|\.\.)){_PART}/{_PART}",
        "write owner/name as in the address of the model, such as distilbert/distilbert-base-uncased",
    ),
]
Commit = Annotated[
    str,
    Matching(
        "[0-9a-f]{40}",
        "write the whole commit, 40 lower-case hex digits (in the model's history on the hub): a branch may move",
    ),
]
FilePattern = Annotated[
    str,
    Matching(
        r"(?!/)(?!(?:.*/)?\.\.(?:/|$))[ -~]{1,200}", "write a path in the model's repository; * and ? may stand in it"
    ),
]


class Model(Strict):
    """The same bytes for ever: a commit of a repository on the hub."""

    repo: RepoId = Field(examples=["distilbert/distilbert-base-uncased"])
    """The repository on the hub: owner/name."""
    revision: Commit = Field(examples=["6cdc0aad91f5ae2e6712e91bc7b65d1cf5c05411"])
    """The commit of it, 40 hex digits."""
    files: tuple[FilePattern, ...] = Field((), max_length=50)
    """Which of its files, with * and ?; without them all, which may be the same model in several formats."""

    @property
    def id(self) -> ModelId:
        parts = json.dumps([self.repo, self.revision, sorted(set(self.files))])
        return ModelId(hashlib.sha256(parts.encode()).hexdigest()[:_DIGITS])
