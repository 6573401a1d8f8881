"""What `launch()` was given, handed on to `mount_gradio_app` as far as the installed Gradio's takes it."""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any

from .asgi import ASGIApp
from .endings import Refused

# About a server of its own, which it does not have here.
NOT_OURS = {
    "share", "inbrowser", "server_name", "server_port", "ssl_keyfile", "ssl_certfile", "ssl_keyfile_password",
    "ssr_mode", "node_server_name", "node_port", "num_workers",
}  # fmt: skip
LISTS = {"allowed_paths": "GRADIO_ALLOWED_PATHS", "blocked_paths": "GRADIO_BLOCKED_PATHS"}
# Gradio 6 takes these from launch(), and keeps what was given to Blocks() under another name.
APPEARANCE = ("theme", "css", "css_paths", "js", "head", "head_paths")
KEPT_BY_THE_DEMO = {"max_threads", "state_session_capacity"}


def application(demo: Any, given: inspect.BoundArguments) -> ASGIApp:
    """The ASGI app that `demo.launch(...)` would have served. Raises what Gradio raises at such options."""
    from fastapi import FastAPI  # noqa: PLC0415 - of the app's venv
    from gradio import mount_gradio_app  # noqa: PLC0415

    _say_what_is_ignored(given.arguments)
    given.apply_defaults()
    if given.arguments.get("_app") is not None:
        raise Refused("gradio: gradio.Server cannot be launched here; write demo.launch() of a Blocks, or an asgi app")
    if not getattr(demo, "exited", True):  # launched inside its own `with`
        demo.__exit__()
    options = _options(demo, given.arguments)
    for name in KEPT_BY_THE_DEMO & options.keys():
        setattr(demo, name, options[name])
    accepted = inspect.signature(mount_gradio_app).parameters.keys() - NOT_OURS
    handed_on = {name: value for name, value in options.items() if name in accepted}
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app: ASGIApp = mount_gradio_app(outer, demo, path="/", **handed_on)
    return app


def _options(demo: Any, given: dict[str, Any]) -> dict[str, Any]:
    """With the defaults that launch() has and mount_gradio_app has not."""
    options = {name: value for name, value in given.items() if name != "self"}
    for name, variable in LISTS.items():
        from_environment = [path.strip() for path in os.environ.get(variable, "").split(",") if path.strip()]
        options[name] = options.get(name) or from_environment
    for name in APPEARANCE:
        if options.get(name) is None:
            options[name] = getattr(demo, f"_deprecated_{name}", None)
    options["enable_monitoring"] = options.get("enable_monitoring") is not False
    return options


def _say_what_is_ignored(given: dict[str, Any]) -> None:
    ignored = sorted(name for name in NOT_OURS & given.keys() if given[name])
    if ignored:
        sys.stderr.write(f"launcher: launch() was given {', '.join(ignored)}: ignored, the service has its own port\n")
