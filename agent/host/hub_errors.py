"""Why the model hub did not give what it was asked for: who can cure it."""

from __future__ import annotations

import errno
from http import HTTPStatus
from typing import NamedTuple

import httpx2
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from ..desired import Model
from ..errors import AgentError, Reason, Stalled, Transient
from . import disk

_FULL = {errno.ENOSPC, errno.EDQUOT}
_BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class Hub(NamedTuple):
    """`token` is empty where none is known; `environment` is the file it is looked for in."""

    url: str
    token: str
    environment: str

    @property
    def remedy(self) -> str:
        """What to type where a token is missing, or not good enough."""
        say = "replace HF_TOKEN in" if self.token else "write HF_TOKEN=... into"
        return f"on the VM, {say} {self.environment} (mode 0600)"


def failure(error: OSError | httpx2.HTTPError, model: Model, hub: Hub) -> AgentError | None:
    """None for what is nobody's but this program's. Never the error's own text: it may hold the token."""
    if isinstance(error, HfHubHTTPError):
        return _refused(error, model, hub)
    if isinstance(error, httpx2.LocalProtocolError):
        message = f"the hub cannot be asked for {model.repo}: HF_TOKEN holds what no token can"
        return Stalled(Reason.MODEL_UNAVAILABLE, message, hint=hub.remedy)
    if isinstance(error, httpx2.HTTPError):
        message = f"the model {model.repo} cannot be fetched: {hub.url} does not answer ({type(error).__name__})"
        return Transient(Reason.HUB_UNREACHABLE, message)
    return disk.full(f"the model {model.repo} does not fit") if error.errno in _FULL else None


def _refused(error: HfHubHTTPError, model: Model, hub: Hub) -> AgentError:
    """GatedRepoError is a RepositoryNotFoundError too; the hub gives 401 also for what does not exist."""
    code = error.response.status_code
    if isinstance(error, GatedRepoError):
        why = "its token is not enough" if hub.token else "it needs a token"
        message = f"the model {model.repo} is gated, and {why}"
        hint = f"accept its terms at {hub.url}/{model.repo}, then {hub.remedy}"
        return Stalled(Reason.MODEL_UNAVAILABLE, message, hint=hint)
    if isinstance(error, RevisionNotFoundError):
        message = f"the model {model.repo} has no commit {model.revision} at {hub.url}"
        return Stalled(Reason.MODEL_UNAVAILABLE, message, hint="correct its revision in models and push")
    unknown = code == HTTPStatus.NOT_FOUND or (code == HTTPStatus.UNAUTHORIZED and not hub.token)
    if isinstance(error, RepositoryNotFoundError) or unknown:
        message = f"there is no model {model.repo} at {hub.url}, or it is private"
        hint = f"correct models and push; for a private one, {hub.remedy}"
        return Stalled(Reason.MODEL_UNAVAILABLE, message, hint=hint)
    if code >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _BUSY:
        message = f"the model {model.repo} cannot be fetched: {hub.url} answers {code}"
        return Transient(Reason.HUB_UNREACHABLE, message)
    message = f"{hub.url} refuses the model {model.repo} ({code})"
    return Stalled(Reason.MODEL_UNAVAILABLE, message, hint=hub.remedy)
