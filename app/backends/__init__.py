"""The ways to answer, and which of them the configuration means. Each is imported only when it is the one."""

# ruff: noqa: PLC0415 - each backend costs seconds and may not be installed

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from ..config import Config, Mode
from ..moods import Backend, Limits

CALLS = Limits(workers=16)  # they only wait


def ready_made(config: Config) -> tuple[Mode, ...]:
    """The modes whose answers this release could give, its own first: a token for one, an inference library for the other."""
    possible: dict[Mode, bool] = {
        "api": bool(config.token),
        "local": bool(find_spec("onnxruntime") or find_spec("torch")),
    }
    return (config.mode, *(mode for mode, is_possible in possible.items() if is_possible and mode != config.mode))


def open_backend(config: Config, mode: Mode, say: Callable[[str], None]) -> Backend:
    """Loads what the configuration names; takes seconds, and `say` hears for what. Raises Failure when that cannot be."""
    if mode == "local":
        from .local import open_local

        return open_local(config, say)
    from .api import ApiClient

    client = ApiClient(config)
    return Backend(
        name="api",
        device="remote",
        scores=lambda texts: [client.scores(text) for text in texts],
        scoring=CALLS,
        thought=lambda feeling: (client.thought(feeling), config.thought_model),
        thinking=CALLS,
        thought_source=config.thought_model,
        upstream=client.upstream,
    )
