"""`module:name` and `module:factory()` -> the app, and whether it is of the kind it was declared to be."""

from __future__ import annotations

import importlib
import inspect
import re
from functools import reduce
from typing import Any

from .endings import Refused

PATTERN = re.compile(r"(?P<module>[\w.]+):(?P<name>[\w.]+)(?P<call>\(\))?")
# What a caller passes by position: (environ, start_response), or (scope, receive, send).
ARITY = {"wsgi": 2, "asgi": 3}


def load(kind: str, target: str) -> Any:
    """Raises Refused where the target cannot be meant, and whatever the app's own code raises."""
    parts = PATTERN.fullmatch(target)
    if not parts:
        raise Refused(f"{kind}: {target!r} is no app; write module:name, or module:factory()")
    module: Any = importlib.import_module(parts["module"])
    try:
        found = reduce(getattr, parts["name"].split("."), module)
    except AttributeError as error:
        raise Refused(f"{kind}: {error}; write module:name") from None
    app: Any = found() if parts["call"] else found
    _check(kind, target, app)
    return app


def _check(kind: str, target: str, app: Any) -> None:
    if not callable(app):
        raise Refused(f"{kind}: {target} is a {type(app).__name__}, which nothing can call; name the app itself")
    other = "asgi" if kind == "wsgi" else "wsgi"
    if not _takes(app, ARITY[kind]) and _takes(app, ARITY[other]):
        raise Refused(f"{kind}: {target} is a {other.upper()} app; write {other}: {target!r}")


def _takes(app: Any, count: int) -> bool:
    try:
        inspect.signature(app).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True
