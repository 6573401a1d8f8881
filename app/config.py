"""The environment, read once, as values. Every name below is one that `desired-state.yaml` may set for the service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import SplitResult, urlsplit

Mode = Literal["api", "local"]
BackendChoice = Literal["auto", "onnx", "transformers"]

TINY_MODEL = str(Path(__file__).parent / "model")
# Recommended for this task in the documentation of the hf-inference provider; Apache-2.0.
API_MODEL = "distilbert/distilbert-base-uncased-finetuned-sst-2-english"
THOUGHT_MODEL = "HuggingFaceTB/SmolLM3-3B"


class ConfigError(Exception):
    """The environment cannot be meant: the message says which variable, and what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    mode: Mode
    backend: BackendChoice  # of the local model
    local_model: str  # a directory or a hub id
    model_revision: str | None  # of the local model
    api_model: str
    thought_model: str
    local_thought_model: str | None  # a directory or a hub id; None means our own list
    local_thought_revision: str | None
    fallback: bool  # in api mode: the local model answers while the service cannot
    api_url: str | None  # None means the Hub's own router
    api_timeout: timedelta  # for one call of it
    api_patience: timedelta  # for all further tries together, once a call has failed
    token: str | None = field(repr=False)
    offline: bool  # models are on this machine, or nowhere
    revision: str | None  # of the repository this release was built from, 40 hex digits
    repository_url: str | None  # of that repository, as git has it
    status_branch: str | None  # where the agent says what runs

    @property
    def model(self) -> str:
        """The one that answers."""
        return self.model_of(self.mode)

    @property
    def model_name(self) -> str:
        return name_of(self.model)

    def model_of(self, mode: Mode) -> str:
        return self.api_model if mode == "api" else self.local_model


def name_of(model: str) -> str:
    """For people: a hub id as it is, of a directory its last part, and the shipped model by its own name."""
    if model == TINY_MODEL:
        return "tiny-mood (demo)"
    return Path(model).name if Path(model).is_absolute() else model


def read(environment: Mapping[str, str]) -> Config:
    """Raises ConfigError at the first variable that cannot be meant. An empty variable counts as absent."""
    env = {name: value.strip() for name, value in environment.items() if value.strip()}
    mode = cast("Mode", _one_of(env, "MODE", get_args(Mode), "local"))
    return Config(
        mode=mode,
        backend=cast("BackendChoice", _one_of(env, "MODEL_BACKEND", get_args(BackendChoice), "auto")),
        local_model=env.get("MODEL", TINY_MODEL),
        model_revision=env.get("MODEL_REVISION"),
        api_model=env.get("API_MODEL", API_MODEL),
        thought_model=env.get("THOUGHT_MODEL", THOUGHT_MODEL),
        local_thought_model=env.get("LOCAL_THOUGHT_MODEL"),
        local_thought_revision=env.get("LOCAL_THOUGHT_REVISION"),
        fallback=_one_of(env, "FALLBACK", ("none", "local"), "none") == "local",
        api_url=_url(env, "API_URL"),
        api_timeout=_seconds(env, "API_TIMEOUT", "20", least=0.1),
        api_patience=_seconds(env, "API_PATIENCE", "10", least=0),
        token=env.get("HF_TOKEN") or env.get("HUGGING_FACE_TOKEN"),
        offline=env.get("HF_HUB_OFFLINE", "0") != "0",
        revision=_revision(env, "REVISION"),
        repository_url=env.get("REPOSITORY_URL"),
        status_branch=env.get("STATUS_BRANCH"),
    )


def _one_of(env: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    value = env.get(name, default)
    if value not in choices:
        raise ConfigError(f"{name}={value!r} is not known; write {name}={' or '.join(choices)}")
    return value


def _url(env: Mapping[str, str], name: str) -> str | None:
    """Without a word of what was written: a token or a password may have got there."""
    url = env.get(name)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # ValueError for one that is none
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(f"{name} is not a web address; write {name}=https://HOST")
    if parts.username is not None:
        raise ConfigError(
            f"{name} has a user or a password in it; write {name}=https://HOST, and the token as HF_TOKEN"
        )
    return url.rstrip("/")


def _seconds(env: Mapping[str, str], name: str, default: str, *, least: float) -> timedelta:
    value = env.get(name, default)
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", value, re.ASCII) or float(value) < least:
        raise ConfigError(f"{name}={value!r} is no time; write seconds from {least:g} to 999")
    return timedelta(seconds=float(value))


def _revision(env: Mapping[str, str], name: str) -> str | None:
    revision = env.get(name)
    if revision is not None and not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise ConfigError(f"{name}={revision!r} is not a commit; write all its 40 hex digits")
    return revision
