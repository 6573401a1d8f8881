"""desired-state.yaml, merged for one VM and with every default filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from .base import Strict
from .models import MOST, Model
from .remotes import LOCAL_ALLOWED, Ref, RemoteURL
from .rollout import Rollout, Strategy, Sync
from .service import Launched, Service
from .texts import NAME, NAME_RULE, Extra, Instant, Name, PythonVersion, RelativePath, Sentence
from .values import Matching, contradiction, refusal


class Suspend(Strict):
    reason: Sentence = ""
    """Why, for the people who read the status."""
    until: Instant | None = None
    """Ends by itself at this time."""


def _suspend(written: Any) -> Any:
    if isinstance(written, bool):
        return Suspend() if written else None
    if written is None or isinstance(written, Mapping | Suspend):
        return written
    raise refusal('write true, false, or {reason: "exam week", until: "2026-12-01T00:00:00Z"}')


class AppSource(Strict):
    url: RemoteURL | None = None
    """The app's own repository, when it is not the one this file is in."""
    ref: Ref | None = Field(None, validate_default=True)
    """What is followed there; the branch main unless another is written. Only with url."""
    path: RelativePath = "."
    """The directory the app lives in and is started from."""

    @field_validator("ref")
    @classmethod
    def _of_another(cls, ref: Ref | None, info: ValidationInfo) -> Ref | None:
        elsewhere = info.data.get("url", "") is not None  # absent: it was refused already
        if ref and not elsewhere:
            raise contradiction("is only for another repository; write its url, or remove ref")
        return ref or (Ref(branch="main") if elsewhere else None)


class Python(Strict):
    version: PythonVersion | None = None
    """The interpreter, which must be on the VM; without it the newest one the project allows."""
    lock: RelativePath | None = None
    """The file to install from; without it the first found of uv.lock, pylock.toml, requirements.txt, pyproject.toml."""
    extras: tuple[Extra, ...] = ()
    """Extras of the project to install."""
    require_hashes: bool = False
    """Refuse a lock that does not pin every file by its hash."""


class Spec(Strict):
    """What one VM shall run: base < mode < host, merged."""

    more_keys = ("modes", "hosts")

    api_version: Literal["gitops-vm/v1"] = Field(examples=["gitops-vm/v1"])
    """The version of this format."""
    app: Name = Field(examples=["mood"])
    """The name of units, directories and the status."""
    mode: Annotated[str, Matching(f"(?:{NAME})?", NAME_RULE)] = ""
    """The variant that runs, a key of `modes` where those are written; given to the app as MODE."""
    suspend: Annotated[Suspend | None, BeforeValidator(_suspend)] = None
    """Stop applying and healing; fetching and reporting go on."""
    restarted_at: Sentence | None = None
    """Any new text asks for a new process, such as the time it was asked for. It changes neither code nor environment."""
    source: AppSource = AppSource()
    """Where the app's code is."""
    python: Python = Python()
    """The environment it runs in."""
    service: Service = Field(examples=[{"exec": "python -m app", "port": 8010}])
    """The program and its health."""
    models: tuple[Model, ...] = Field((), max_length=MOST)
    """Models that are fetched, and checked, before it is started; it finds them where Hugging Face's libraries look."""
    rollout: Rollout = Rollout()
    """How a new release replaces the old one."""
    sync: Sync = Sync()
    """How the VM follows the repository."""

    @field_validator("models")
    @classmethod
    def _each_once(cls, models: tuple[Model, ...]) -> tuple[Model, ...]:
        repos = [model.repo for model in models]
        if twice := next((repo for repo in repos if repos.count(repo) > 1), None):
            raise refusal(f"{twice} stands here twice; an app asks for it by its name, so keep one revision")
        return models

    @model_validator(mode="after")
    def _can_hand_over(self) -> Self:
        if self.rollout.strategy is Strategy.HANDOVER and self.launched is None:
            raise contradiction(
                "rollout.strategy: handover is for gradio, asgi and wsgi, and for a program that takes LISTEN_FDS "
                "(service.socketActivation: true); one that opens its port itself is restarted"
            )
        return self

    @property
    def launched(self) -> Launched | None:
        """What runs under our launcher, so that a new release takes over from the old one; None: it is restarted.

        A program of its own only where that is asked for: handed over it no longer sees its visitors' addresses.
        """
        service = self.service
        asked = self.rollout.strategy is Strategy.HANDOVER and service.socket_activation
        return Launched("exec", service.exec) if asked and service.exec else service.hosted

    def canonical(self) -> str:
        """The same specification always as the same text: JSON that is itself a desired-state.yaml with nothing left to merge."""
        values = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        # YAML reads no surrogate pairs, which is how ASCII-only JSON writes the rarer characters.
        return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_canonical(cls, text: str) -> Self:
        """The specification that `canonical` wrote. Raises ValueError for anything else."""
        return cls.model_validate_json(text, context={LOCAL_ALLOWED: True})
