"""Whether the values the app is given have changed; known_secrets.py reads them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from . import files

_DIGITS = 16
_SALT_BYTES = 32


def digest(environment: Path, salt: Path) -> str:
    """Changes when a value changes, and tells nothing of it: keyed with a random salt that stays on this VM."""
    try:
        data = environment.read_bytes()
    except FileNotFoundError:
        return ""
    return hmac.new(_salt(salt), data, hashlib.sha256).hexdigest()[:_DIGITS]


def _salt(path: Path) -> bytes:
    if not path.exists():
        files.write(path, secrets.token_bytes(_SALT_BYTES))
    return path.read_bytes()
