"""Models by name: a directory as it is, a hub id downloaded once into the Hub's own cache."""

# ruff: noqa: PLC0415 - a directory needs nothing of the Hub's library

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..moods import Failure
from .machine import MEGA

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

ANSWER = timedelta(seconds=20)
HIDDEN = (401, 403, 404)  # unknown, private or gated: the Hub does not say which

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    name: str  # a directory or a hub id
    revision: str | None  # of a hub id; None is its main branch
    token: str | None

    @property
    def is_directory(self) -> bool:
        return Path(self.name).is_dir()

    def here(self) -> Path | None:
        """The directory of what this machine has of it, without asking anybody. Raises Failure for one that cannot exist."""
        if self.is_directory:
            return Path(self.name)
        if self.name.startswith(("/", ".")):
            raise Failure("ModelMissing", f"MODEL={self.name}: there is no such directory.")
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        try:
            return Path(snapshot_download(self.name, revision=self.revision, local_files_only=True))
        except HFValidationError:
            raise Failure("ModelMissing", f"MODEL={self.name} is neither a directory nor OWNER/NAME.") from None
        except LocalEntryNotFoundError:
            return None

    def pinned(self) -> Model:
        """The same at the commit that its revision means now. Raises Failure."""
        return replace(self, revision=self._told().sha)

    def listed(self) -> dict[str, int]:
        """Its files on the Hub, with their sizes in bytes. Raises Failure."""
        return {each.rfilename: each.size or 0 for each in self._told().siblings or []}

    def download(self, files: dict[str, int], say: Say) -> Path:
        """The directory that holds these files. Raises Failure."""
        from huggingface_hub import hf_hub_download

        bar = _counting(sum(files.values()), lambda done: say(f"downloading {self.name}: {done}"))
        with self._in_our_words():
            for name in files:
                path = hf_hub_download(
                    self.name, name, revision=self.revision, token=self.token or False, tqdm_class=bar
                )
        return Path(path[: -len(name)])

    def _told(self) -> ModelInfo:
        from huggingface_hub import HfApi

        with self._in_our_words():
            return HfApi(token=self.token or False).model_info(
                self.name, revision=self.revision, files_metadata=True, timeout=ANSWER.total_seconds()
            )

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        try:
            yield
        except HfHubHTTPError as error:
            if error.response.status_code not in HIDDEN:
                raise self._not_yet() from None
            at = self.revision or "main"
            raise Failure("ModelMissing", f"The Hub shows no model {self.name} at {at} to this token.") from None
        except OfflineModeIsEnabled:
            raise Failure(
                "ModelMissing", f"{self.name} is not on this machine, and HF_HUB_OFFLINE=1 forbids to fetch it."
            ) from None
        except Exception:  # noqa: BLE001 - of the library's HTTP client, which it changes; their texts may hold the token
            raise self._not_yet() from None

    def _not_yet(self) -> Failure:
        return Failure("DownloadFailed", f"{self.name} could not be downloaded; trying again.", passing=True)


def sizes(folder: Path) -> dict[str, int]:
    """The files of a model's directory."""
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for pattern in ("*", "onnx/*")
        for path in folder.glob(pattern)
        if path.is_file()
    }


def _counting(total: int, say: Callable[[str], None]) -> type[Any]:
    """A progress bar for the Hub's library that shows nothing and tells `say`."""
    from tqdm import tqdm

    arrived = 0

    class Counting(tqdm):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options | {"disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            nonlocal arrived
            arrived += int(n or 0)
            say(f"{arrived // MEGA} of {total // MEGA} MB")
            return None

    return Counting
