"""Models by name: a directory as it is, a hub id downloaded once into the Hub's own cache."""

from __future__ import annotations

from pathlib import Path

from ..moods import Failure

GRAPHS = ("model.onnx", "onnx/model.onnx")  # ours; a model repository's


def located(model: str, revision: str | None, token: str | None) -> Path | None:
    """The ONNX file of `model`, its tokenizer and labels beside or above it; None when the model has none."""
    folder = fetch(model, revision, token, ["*.json", *GRAPHS])
    return next((folder / name for name in GRAPHS if (folder / name).is_file()), None)


def fetch(model: str, revision: str | None, token: str | None, patterns: list[str]) -> Path:
    """The directory that holds the files of `model` that match `patterns`. Raises Failure when there is no such model."""
    if Path(model).is_dir():
        return Path(model)
    if model.startswith(("/", ".")):
        raise Failure("ModelMissing", f"MODEL={model}: there is no such directory.")
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - a directory needs none of it
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(model, revision=revision, token=token, allow_patterns=patterns))
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise Failure(
            "ModelMissing", f"The Hub shows no model {model} at {revision or 'main'} to this token."
        ) from None
    except OSError:
        raise Failure("DownloadFailed", f"{model} could not be downloaded; trying again.", passing=True) from None
