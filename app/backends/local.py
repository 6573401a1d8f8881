"""A model on this machine: found or fetched, in the form that suits what is installed, and only if it fits."""

# ruff: noqa: PLC0415 - each library costs seconds and may not be installed

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from ..config import BackendChoice, Config, name_of
from ..moods import Backend, Failure, Limits
from ..thoughts import own_thought
from .choice import Choice, Kind, choose
from .hub import Model, Say, sizes
from .machine import MEGA, estimated, memory, multiplies_bytes, must_fit

LIBRARY: dict[Kind, str] = {"onnx": "onnxruntime", "transformers": "torch"}
OWN = "our own list"
FIRST = "a"
WAYS_OUT = (
    "Build with requirements/onnx.txt (for a model with an ONNX file) or requirements/local.txt (for any), "
    "and leave MODEL_BACKEND=auto; or set MODE=api."
)
NO_FILE: dict[tuple[Kind, ...], str] = {
    ("onnx",): "no ONNX file with a tokenizer.json: use requirements/local.txt and MODEL_BACKEND=auto, or convert it "
    "(docs/models.md).",
    (
        "transformers",
    ): "no model.safetensors or pytorch_model.bin: if it has an ONNX file, use requirements/onnx.txt and "
    "MODEL_BACKEND=auto; else choose another (docs/models.md).",
}
NO_FILE_AT_ALL = "neither an ONNX file with a tokenizer.json nor a model.safetensors: choose another (docs/models.md)."

log = logging.getLogger(__name__)


def open_local(config: Config, say: Say) -> Backend:
    """Raises Failure."""
    model = Model(name=config.local_model, revision=config.model_revision, token=config.token)
    classifier = _classifier(*_loading(model, _usable(config.backend), say))
    if config.local_thought_model is None:
        return classifier
    author = Model(name=config.local_thought_model, revision=config.local_thought_revision, token=config.token)
    folder, _ = _loading(author, _usable("transformers"), say)
    from .writer import Writer

    name = name_of(author.name)
    writer = Writer(folder)

    def thought(feeling: str | None) -> tuple[str, str]:
        said = writer.thought(feeling)
        return (said, name) if said else _own(feeling)

    return replace(classifier, thought=thought, thought_source=name)


def _loading(model: Model, kinds: Collection[Kind], say: Say) -> tuple[Path, Choice]:
    folder, choice = located(model, kinds, say)
    size = sum(sizes(folder)[weight] for weight in choice.weights)
    name, needed = name_of(model.name), estimated(choice.kind, size) // MEGA
    say(f"loading {name} ({size / MEGA:.1f} MB), which takes about {needed} MB of memory")
    log.info(
        "loading %s with %s: %.1f MB of files, about %d MB of memory of the %d MB that are available",
        *(name, choice.kind, size / MEGA, needed, memory() // MEGA),
    )
    return folder, choice


def located(model: Model, kinds: Collection[Kind], say: Say) -> tuple[Path, Choice]:
    """What this machine has comes first: a restart needs no network, and a model that was put here none at all."""
    here = model.here()
    found = sizes(here) if here else {}
    if here and (choice := choose(found, kinds, quick_int8=multiplies_bytes())):
        _must_fit(model, choice, found)
        return here, choice
    if not model.is_directory:
        say(f"asking the Hub for {model.name}")
        found = model.listed()
        if choice := choose(found, kinds, quick_int8=multiplies_bytes()):
            _must_fit(model, choice, found)
            return model.download({name: found[name] for name in choice.files}, say), choice
    raise Failure("BackendMissing", f"{name_of(model.name)} has {NO_FILE.get(tuple(kinds), NO_FILE_AT_ALL)}")


def _usable(backend: BackendChoice) -> list[Kind]:
    wanted: list[Kind] = ["onnx", "transformers"] if backend == "auto" else [backend]
    installed = [kind for kind in wanted if find_spec(LIBRARY[kind])]
    if not installed:
        raise Failure(
            "BackendMissing", f"This release has no {' or '.join(LIBRARY[kind] for kind in wanted)}. {WAYS_OUT}"
        )
    return installed


def _must_fit(model: Model, choice: Choice, found: dict[str, int]) -> None:
    must_fit(name_of(model.name), choice.kind, sum(found[name] for name in choice.weights))


def _must_answer(scores: Callable[[list[str]], object], choice: Choice) -> None:
    try:
        scores([FIRST])
    except Failure:
        raise
    except Exception:  # noqa: BLE001 - what a library says of files that do not belong together lists local paths
        raise Failure(
            "ModelUnusable",
            f"{choice.weights[0]} does not fit config.json and the tokenizer beside it: fetch all of them anew.",
        ) from None


def _own(feeling: str | None) -> tuple[str, str]:
    return own_thought(feeling), OWN


def _classifier(folder: Path, choice: Choice) -> Backend:
    """Its thoughts are of our own list."""
    if choice.kind == "onnx":
        from . import onnx

        scores, scoring, device = onnx.OnnxModel(folder / choice.weights[0]).scores, onnx.limits(), onnx.DEVICE
    else:
        from . import pytorch

        scores, scoring, device = pytorch.TorchModel(folder).scores, pytorch.limits(), pytorch.DEVICE
    _must_answer(scores, choice)
    return Backend(
        name=choice.kind,
        device=device,
        scores=scores,
        scoring=scoring,
        thought=_own,
        thinking=Limits(workers=1, room=32),
        thought_source=OWN,
    )
