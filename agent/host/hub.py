"""Fetch models from the hub: what is in them, then every file that is not here yet, going on where the last try ended.

huggingface_hub says what there is, where, and what a refusal means. Its own download begins a file anew in each process and
checks its size only, so the bytes are taken here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import httpx2
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import build_hf_headers, filter_repo_objects, get_session, hf_raise_for_status

from .. import __version__
from ..desired import Model
from ..errors import Reason, Stalled, Transient
from . import disk
from .hub_errors import Hub, failure
from .models import DEADLINE, Blob, Models

__all__ = ["Fetcher", "Hub"]

_ANSWER = 30.0  # seconds without a byte
_CHUNK = 256 * 1024
_OFTEN = 0.5  # seconds from one word of progress to the next
_MEGA = 1000**2  # as the hub's pages count
_SHOWN = 10
_DIGEST = "[0-9a-f]{40}|[0-9a-f]{64}"
_INSIDE = r"(?!/)(?!(?:.*/)?\.{1,2}(?:/|\Z))[^\x00-\x1f\x7f]{1,500}"

Say = Callable[[str], None]


class Wanted(NamedTuple):
    model: Model
    blobs: tuple[Blob, ...]


class Fetcher:
    """`say` is told what is being done, in words that follow "building: "."""

    def __init__(self, hub: Hub, models: Models, say: Say, *, deadline: timedelta = DEADLINE) -> None:
        self._hub = hub
        self._models = models
        self._say = say
        self._deadline = deadline

    def survey(self, models: Iterable[Model]) -> list[Wanted]:
        """What the hub has of them. Raises AgentError where they cannot be fetched, or do not fit on the disk."""
        wanted = [self._look_up(model) for model in models]
        for model, blobs in wanted:
            self._models.begin(model.id, blobs)
        lacking = {blob.digest: self._models.missing(blob) for each in wanted for blob in each.blobs}
        disk.require(self._models.blobs, sum(lacking.values()))
        return wanted

    def fetch(self, wanted: Iterable[Wanted]) -> None:
        """Raises AgentError. What has come by then stays for the next try, but for a file that is not what it should be."""
        end = time.monotonic() + self._deadline.total_seconds()
        for each in wanted:
            pace = self._pace(each, end)
            for blob in each.blobs:
                if not self._models.has(blob):
                    self._file(each.model, blob, pace)
            self._models.finish(each.model.id)

    def _look_up(self, model: Model) -> Wanted:
        self._say(f"looking up the model {model.repo}")
        api = HfApi(endpoint=self._hub.url, token=self._hub.token or False)
        with self._told(model):
            try:
                found = api.model_info(model.repo, revision=model.revision, files_metadata=True, timeout=_ANSWER)
            except (ValueError, TypeError, KeyError) as error:
                if isinstance(error, OSError):  # a refusal of the hub's may be a ValueError as well
                    raise
                raise self._no_hub() from error
        there = {each.rfilename: each for each in found.siblings or ()}
        names = sorted(filter_repo_objects(there, allow_patterns=list(model.files) or None))
        if not names:
            some = ", ".join(filter(str.isprintable, sorted(there)[:_SHOWN])) or "nothing"
            message = f"models: no file of {model.repo} matches its files; there is {some}"
            raise Stalled(Reason.MODEL_UNAVAILABLE, message)
        return Wanted(model, tuple(self._blob(there[name]) for name in names))

    def _blob(self, found: RepoSibling) -> Blob:
        sha256 = found.lfs.sha256 if found.lfs else ""
        digest = sha256 or found.blob_id or ""
        inside = re.fullmatch(_INSIDE, found.rfilename)
        if found.size is None or not inside or not re.fullmatch(_DIGEST, digest):
            raise self._no_hub()
        return Blob(path=found.rfilename, size=found.size, digest=digest, sha256=sha256)

    def _no_hub(self) -> Transient:
        return Transient(Reason.HUB_UNREACHABLE, f"{self._hub.url} does not answer as a model hub does")

    def _file(self, model: Model, blob: Blob, pace: Callable[[], None]) -> None:
        with self._told(model):
            self._download(model, blob, pace)
        if left := self._models.missing(blob):
            message = f"{blob.path} of the model {model.repo} came without its last {left} bytes"
            raise Transient(Reason.HUB_UNREACHABLE, message)
        if not self._models.take(blob):
            message = (
                f"{blob.path} of the model {model.repo} is not what {self._hub.url} says it is (its digest differs)"
            )
            raise Transient(Reason.MODEL_UNAVAILABLE, message)

    def _download(self, model: Model, blob: Blob, pace: Callable[[], None]) -> None:
        """A connection that is cut is taken up at once, as long as each brings something."""
        while self._models.missing(blob) or not self._models.part(blob).exists():
            before = self._models.missing(blob)
            try:
                self._stream(model, blob, pace)
            except httpx2.TransportError:
                if self._models.missing(blob) >= before:
                    raise
            else:
                return

    def _stream(self, model: Model, blob: Blob, pace: Callable[[], None]) -> None:
        part = self._models.part(blob)
        have = part.stat().st_size if part.exists() else 0
        url = hf_hub_url(model.repo, blob.path, revision=model.revision, endpoint=self._hub.url)
        headers = {
            **build_hf_headers(token=self._hub.token or False, library_name="gitops-vm", library_version=__version__),
            "Accept-Encoding": "identity",
            **({"Range": f"bytes={have}-"} if have else {}),
        }
        with get_session().stream("GET", url, headers=headers, timeout=_ANSWER) as answer:
            hf_raise_for_status(answer)
            goes_on = answer.status_code == httpx2.codes.PARTIAL_CONTENT
            with part.open("ab" if goes_on else "wb") as file:
                for chunk in answer.iter_bytes(_CHUNK):
                    file.write(chunk)
                    pace()

    def _pace(self, wanted: Wanted, end: float) -> Callable[[], None]:
        """Called with every chunk; now and then it tells how far it is, and ends what goes on too long or fills the disk."""
        total, last = sum(blob.size for blob in wanted.blobs), 0.0

        def pace() -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < _OFTEN:
                return
            last = now
            come = total - sum(map(self._models.missing, wanted.blobs))
            self._say(f"fetching the model {wanted.model.repo}: {come // _MEGA} of {-(-total // _MEGA)} MB")
            disk.require(self._models.blobs)
            if now > end:
                hours = self._deadline.total_seconds() / 3600
                message = (
                    f"the model {wanted.model.repo} was not whole within {hours:g} h; the next try goes on from there"
                )
                raise Transient(Reason.DEADLINE_EXCEEDED, message)

        return pace

    @contextmanager
    def _told(self, model: Model) -> Iterator[None]:
        try:
            yield
        except (httpx2.HTTPError, OSError) as error:
            if known := failure(error, model, self._hub):
                raise known from error
            raise
