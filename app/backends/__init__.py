"""The ways to answer, and which of them the configuration means. Each is imported only when it is the one."""

# ruff: noqa: PLC0415 - each backend costs seconds and may not be installed

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from ..config import Config, Mode
from ..moods import Backend, Failure, Limits
from ..thoughts import own_thought
from .hub import fetch, located


def ready_made(config: Config) -> tuple[Mode, ...]:
    """The modes whose answers this release could give, its own first: a token for one, an inference library for the other."""
    possible: dict[Mode, bool] = {
        "api": bool(config.token),
        "local": bool(find_spec("onnxruntime") or find_spec("torch")),
    }
    return (config.mode, *(mode for mode, is_possible in possible.items() if is_possible and mode != config.mode))


def open_backend(config: Config, mode: Mode, say: Callable[[str], None]) -> Backend:
    """Loads what the configuration names; takes seconds, and `say` hears for what. Raises Failure when that cannot be."""
    if mode == "api":
        return _api(config)
    say(f"loading {config.model_name}")
    if config.backend != "transformers" and find_spec("onnxruntime"):
        from . import onnx

        graph = located(config.local_model, config.model_revision, config.token)
        if graph is not None:
            return _local("onnx", onnx.DEVICE, onnx.OnnxModel(graph).scores, onnx.limits())
    if config.backend == "onnx":
        raise Failure(
            "BackendMissing", f"{config.local_model} has no ONNX file or onnxruntime is not installed. {_WAYS_OUT}"
        )
    if not find_spec("torch"):
        raise Failure("BackendMissing", f"This release can run no model by itself. {_WAYS_OUT}")
    from . import pytorch

    folder = fetch(
        config.local_model, config.model_revision, config.token, ["*.json", "*.safetensors", "*.txt", "*.model"]
    )
    return _local("transformers", pytorch.DEVICE, pytorch.TorchModel(folder).scores, pytorch.limits())


_WAYS_OUT = (
    "Set MODEL_BACKEND=auto and build with requirements/onnx.txt (a model with an ONNX file) "
    "or requirements/local.txt (any model); or set MODE=api."
)


def _api(config: Config) -> Backend:
    from .api import ApiClient

    client = ApiClient(config)
    return Backend(
        name="api",
        device="remote",
        scores=lambda texts: [client.scores(text) for text in texts],
        scoring=_CALLS,
        thought=client.thought,
        thinking=_CALLS,
        thought_source=config.thought_model,
    )


_CALLS = Limits(workers=16)


def _local(name: str, device: str, scores: Callable[[list[str]], list[dict[str, float]]], scoring: Limits) -> Backend:
    return Backend(
        name=name,
        device=device,
        scores=scores,
        scoring=scoring,
        thought=own_thought,
        thinking=Limits(workers=1),
        thought_source="our own list",
    )
