"""A status.json as anybody may have written it, or ValueError, whose message goes on where "status.json" ends. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from .exit_code import exit_code
from .read import render

_KIND = ("gitops-vm/v1", "Status")
_STUMBLES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def parse(text: str) -> dict[str, Any]:
    """It says that it is a status; what else is in it is anybody's guess."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from error
    except RecursionError:
        raise ValueError("is not JSON that can be read: it is nested too deep") from None
    if not isinstance(document, dict) or (document.get("apiVersion"), document.get("kind")) != _KIND:
        raise ValueError("is not a status of gitops-vm/v1")
    return document


def check(document: dict[str, Any]) -> None:
    """Raises ValueError where `render` or `exit_code` would stumble: what can be shown has everything that is shown."""
    try:
        render(document, datetime.now(UTC))
        exit_code(document, datetime.now(UTC))
    except _STUMBLES as error:
        raise ValueError("is not as docs/status.md has it: is its agent newer?") from error
