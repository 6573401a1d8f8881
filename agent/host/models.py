"""The models on the disk: the files of all of them by their digests, and a record of each model that says which are its own.

`<id>.json` is the record of a model that is whole, written last of all; `<id>.begun` that of one whose fetch was begun. No
file is there without a record that names it, so that whatever a crash leaves is seen and goes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from ..desired import Model
from ..errors import Reason, Transient
from ..names import ModelId
from ..paths import Paths
from . import disk, files

DEADLINE = timedelta(hours=2)
"""For fetching all that a release lacks. What has come by then stays."""

_WHOLE, _BEGUN, _PART = ".json", ".begun", ".part"
_CHUNK = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A file as the hub describes it. `sha256` is empty for small ones, which git keeps: `digest` is then git's own."""

    path: str
    size: int
    digest: str
    sha256: str = ""


class Models:
    """All below `paths.models`. Only the process that builds adds; only the pass that holds worker.lock removes."""

    def __init__(self, paths: Paths) -> None:
        self._folder = paths.models
        self.blobs = paths.models / "blobs"

    def complete(self) -> frozenset[ModelId]:
        """Those with every file there."""
        return frozenset(model for model in self._named(_WHOLE) if self._is_whole(model))

    def remains(self) -> frozenset[ModelId]:
        """Those that were begun, or of which something was lost."""
        return (self._named(_WHOLE) | self._named(_BEGUN)) - self.complete()

    def begin(self, model: ModelId, blobs: Iterable[Blob]) -> None:
        """Before anything of it is written: from now on its files are known."""
        files.make_directory(self.blobs)
        files.write(self._folder / f"{model}{_BEGUN}", json.dumps([asdict(blob) for blob in blobs]))

    def finish(self, model: ModelId) -> None:
        """All of it is there and right. It is on the disk when it counts."""
        disk.settle(self.blobs)
        (self._folder / f"{model}{_BEGUN}").replace(self._folder / f"{model}{_WHOLE}")
        files.sync_directory(self._folder)

    def has(self, blob: Blob) -> bool:
        with suppress(OSError):
            return self.place(blob).stat().st_size == blob.size
        return False

    def place(self, blob: Blob) -> Path:
        return self.blobs / blob.digest

    def part(self, blob: Blob) -> Path:
        """What has come of it so far."""
        return self.blobs / f"{blob.digest}{_PART}"

    def missing(self, blob: Blob) -> int:
        """Bytes of it that have not come yet."""
        if self.has(blob):
            return 0
        with suppress(OSError):
            return max(blob.size - self.part(blob).stat().st_size, 0)
        return blob.size

    def take(self, blob: Blob) -> bool:
        """Make what has come of it a file of the model, unless it is not what the hub says: then it is removed."""
        part = self.part(blob)
        if _digest(part, blob) != (blob.sha256 or blob.digest):
            part.unlink()
            return False
        part.chmod(0o444)  # releases have links to it
        part.replace(self.place(blob))
        return True

    def put(self, hub: Path, models: Iterable[Model]) -> None:
        """Lay them out in the new directory `hub` as Hugging Face's libraries keep what they have fetched.

        The main branch is the declared commit there: what an app asks for by name alone.
        """
        for model in models:
            repo = hub / f"models--{model.repo.replace('/', '--')}"
            for blob in self._record(model.id, _WHOLE):
                place = repo / "snapshots" / model.revision / blob.path
                files.make_directory(place.parent)
                self._link(blob, place, model)
            files.write(repo / "refs" / "main", model.revision)

    def paths(self, models: Iterable[ModelId]) -> list[Path]:
        """What goes with these: files that no other model has, and strays."""
        gone = set(models)
        there = list(self.blobs.glob("*"))  # before the records: a file has its record before it is there
        kept = {blob.digest for model in self._all() - gone for blob in self._records(model)}
        return sorted(path for path in there if path.name.removesuffix(_PART) not in kept)

    def remove(self, models: Iterable[ModelId]) -> None:
        """A crash at any moment leaves some that are begun, which the next pass removes."""
        gone = sorted(models)
        for model in gone:
            with suppress(FileNotFoundError):
                (self._folder / f"{model}{_WHOLE}").replace(self._folder / f"{model}{_BEGUN}")
        for path in self.paths(gone):
            path.unlink(missing_ok=True)
        for model in gone:
            (self._folder / f"{model}{_BEGUN}").unlink(missing_ok=True)

    def _link(self, blob: Blob, place: Path, model: Model) -> None:
        try:
            place.hardlink_to(self.place(blob))
        except FileNotFoundError:
            message = f"{blob.path} of the model {model.repo} has vanished from {self.blobs}"
            raise Transient(Reason.BUILD_FAILED, message) from None

    def _all(self) -> frozenset[ModelId]:
        return self._named(_WHOLE) | self._named(_BEGUN)

    def _named(self, suffix: str) -> frozenset[ModelId]:
        there = self._folder.glob(f"[!.]*{suffix}")
        return frozenset(ModelId(path.name.removesuffix(suffix)) for path in there)

    def _is_whole(self, model: ModelId) -> bool:
        record = list(self._record(model, _WHOLE))
        return bool(record) and all(map(self.has, record))

    def _records(self, model: ModelId) -> Iterator[Blob]:
        yield from self._record(model, _WHOLE)
        yield from self._record(model, _BEGUN)

    def _record(self, model: ModelId, suffix: str) -> list[Blob]:
        """Empty where it cannot be read."""
        with suppress(OSError, ValueError, TypeError):
            return [Blob(**each) for each in json.loads((self._folder / f"{model}{suffix}").read_text())]
        return []


def _digest(path: Path, blob: Blob) -> str:
    """As the hub names it: SHA-256 of what is in LFS, else git's name of the content (gitformat-pack(5): a blob)."""
    if blob.sha256:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        os.fsync(file.fileno())
    return digest.hexdigest()
