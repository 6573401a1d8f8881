"""The ways to answer, and which of them the configuration means. Each is imported only when it is the one."""

# ruff: noqa: PLC0415 - each backend costs seconds and may not be installed

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from ..config import Config, Mode
from ..moods import Backend, Failure
from ..thoughts import own_thought


def ready_made(config: Config) -> tuple[Mode, ...]:
    """The modes whose answers this release could give, its own first: a token for one, an inference library for the other."""
    possible: dict[Mode, bool] = {
        "api": bool(config.token),
        "local": bool(find_spec("onnxruntime") or find_spec("torch")),
    }
    return (config.mode, *(mode for mode, is_possible in possible.items() if is_possible and mode != config.mode))


def open_backend(config: Config, mode: Mode) -> Backend:
    """Loads what the configuration names; takes seconds. Raises Failure when that cannot be."""
    if mode == "api":
        return _api(config)
    if config.backend != "transformers" and find_spec("onnxruntime"):
        from .onnx import OnnxModel, locate

        graph = locate(config.local_model, config.model_revision, config.token)
        if graph is not None:
            return _local("onnx", OnnxModel(graph).scores)
    if config.backend == "onnx":
        raise Failure(
            "BackendMissing", f"{config.local_model} has no ONNX file or onnxruntime is not installed. {_WAYS_OUT}"
        )
    if not find_spec("torch"):
        raise Failure("BackendMissing", f"This release can run no model by itself. {_WAYS_OUT}")
    from .pytorch import TorchModel

    return _local("transformers", TorchModel(config.local_model, config.model_revision, config.token).scores)


_WAYS_OUT = (
    "Set MODEL_BACKEND=auto and build with requirements/onnx.txt (a model with an ONNX file) "
    "or requirements/local.txt (any model); or set MODE=api."
)


def _api(config: Config) -> Backend:
    from .api import ApiClient

    client = ApiClient(config)
    return Backend(
        name="api",
        scores=client.scores,
        thought=client.thought,
        thought_source=config.thought_model,
        upstream=client.upstream,
    )


def _local(name: str, scores: Callable[[str], dict[str, float]]) -> Backend:
    return Backend(name=name, scores=scores, thought=own_thought, thought_source="our own list")
