"""A Gradio script, run as `python app.py` would run it; its `launch()` serves the release instead of a port of its own."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from . import gradio_app
from .asgi import ASGIApp
from .endings import Refused, Stopped

BLOCKS = "gradio.blocks"  # where Blocks is, and with it Interface's and ChatInterface's launch()

Serve = Callable[[Callable[[], ASGIApp]], None]


def run(path: Path, serve: Serve) -> None:
    """Raises Stopped once it has been served and told to stop, Refused where it never launches."""
    try:
        code = compile(path.read_bytes(), str(path.absolute()), "exec")
    except OSError as error:
        raise Refused(f"gradio: {path}: {error.strerror}") from None
    sys.path.insert(0, str(path.absolute().parent))
    launches = _Launches(serve)
    sys.meta_path.insert(0, _Importing(BLOCKS, launches.take_over))
    main = ModuleType("__main__")
    main.__file__ = str(path.absolute())
    sys.modules["__main__"] = main
    exec(code, main.__dict__)  # noqa: S102 - the app itself
    if launches.pending is None:
        raise Refused(f"gradio: {path} came to its end without calling launch(); write demo.launch() at its end")
    launches.block()


class _Launches:
    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.pending: ASGIApp | None = None  # launched, but not to be served before the script says so

    def take_over(self, blocks: ModuleType) -> None:
        real = inspect.signature(blocks.Blocks.launch)
        blocks.Blocks.launch = lambda demo, *args, **options: self._launch(demo, real.bind(demo, *args, **options))
        blocks.Blocks.block_thread = lambda _demo: self.block()

    def _launch(self, demo: Any, given: inspect.BoundArguments) -> tuple[ASGIApp, str, None]:
        _must_be_able_to_serve()
        self.pending = gradio_app.application(demo, given)
        if not given.arguments.get("prevent_thread_lock"):
            self.block()
        return self.pending, "", None

    def block(self) -> None:
        """What comes after it in the script is not run, as after a Ctrl-C; `with` and `finally` are left in order."""
        app = self.pending
        if app is not None:
            self._serve(partial(_same, app))
        raise Stopped


def _same(app: ASGIApp) -> ASGIApp:
    return app


def _must_be_able_to_serve() -> None:
    if threading.current_thread() is not threading.main_thread():
        raise Refused("gradio: launch() was called in a thread; call it in the script itself")
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise Refused("gradio: launch() was called from a coroutine; call it in the script itself")


class _Importing(MetaPathFinder):
    """Calls `then` with a module as soon as that has been imported."""

    def __init__(self, name: str, then: Callable[[ModuleType], None]) -> None:
        self._name = name
        self._then = then

    def find_spec(self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._then)
        return spec


class _Loader(Loader):
    def __init__(self, real: Loader, then: Callable[[ModuleType], None]) -> None:
        self._real = real
        self._then = then

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._real.exec_module(module)
        self._then(module)
