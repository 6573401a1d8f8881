"""Half of gradio's import time goes into rewriting type stubs (.pyi) inside site-packages, at every start. Not here."""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

MODULE = "gradio.component_meta"
WRITER = "create_or_modify_pyi"


class _WithoutStubs(importlib.abc.Loader):
    def __init__(self, real: importlib.abc.Loader) -> None:
        self._real = real

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._real.exec_module(module)
        # Another version of gradio may not have it: then there is nothing to skip.
        if hasattr(module, WRITER):
            setattr(module, WRITER, lambda *_args, **_options: None)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _WithoutStubs(spec.loader)
        return spec


@contextmanager
def quick_import() -> Iterator[None]:
    """Around the first `import gradio`; the stubs that come with the package stay as they are.

    The collector would go through a growing heap again and again, in which nothing is garbage yet.
    """
    sys.meta_path.insert(0, _Finder())
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
