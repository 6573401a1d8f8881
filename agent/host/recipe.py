"""What an environment is made of, and the name that follows from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from ..desired import Spec
from ..lockfile import Lock
from ..names import VenvId
from ..source import Packages
from .interpreter import Interpreter

_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`lock` is None for an app without dependencies."""

    id: VenvId
    lock: Lock | None
    python: Interpreter
    extras: tuple[str, ...]
    require_hashes: bool


def make_environment(*, spec: Spec, lock: Lock | None, python: Interpreter, packages: Packages) -> Environment:
    """The environment of these parts. Everything that can make its content differ is in its id."""
    extras, require_hashes = tuple(sorted(spec.python.extras)), spec.python.require_hashes
    parts = [lock.digest if lock else "", python.tag, spec.python.version, extras, require_hashes]
    recipe = json.dumps([*parts, packages.model_dump(mode="json", exclude={"hub"})], sort_keys=True)
    name = VenvId(hashlib.sha256(recipe.encode()).hexdigest()[:_DIGITS])
    return Environment(id=name, lock=lock, python=python, extras=extras, require_hashes=require_hashes)
