"""`validate`: what the agent would say of a desired-state.yaml, before it is pushed."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..desired import InvalidSpec, Spec, parse
from ..errors import Broken, Reason
from ..host import reading
from ..strict_yaml import MAX_BYTES

if TYPE_CHECKING:
    from .verbs import Call

PATIENCE = timedelta(seconds=10)
"""With a pipe, such as `<(...)` of a shell."""


def validate(call: Call) -> int:
    """0 when it is valid, else 1 with every problem on a line of its own."""
    name = "<stdin>" if call.options.file == "-" else call.options.file
    data = sys.stdin.buffer.read(MAX_BYTES + 1) if call.options.file == "-" else _read(name)
    try:
        spec = parse(data, file=name, host=call.options.host)
    except InvalidSpec as invalid:
        return _refuse(call, invalid)
    if call.options.json:
        call.terminal.json({"valid": True, "problems": []})
    else:
        call.terminal.line(f"{name}: valid; {_summary(spec)}")
    return 0


def _read(name: str) -> bytes:
    try:
        return reading.head(Path(name), MAX_BYTES + 1, within=PATIENCE)
    except OSError as error:
        raise Broken(Reason.INVALID_SPEC, f"{name}: {error.strerror}") from error


def _refuse(call: Call, invalid: InvalidSpec) -> int:
    if call.options.json:
        problems = [
            {"file": each.file, "line": each.line, "path": each.path, "message": each.message}
            for each in invalid.problems
        ]
        call.terminal.json({"valid": False, "problems": problems})
    else:
        for problem in invalid.problems:
            call.terminal.line(str(problem))
    return 1


def _summary(spec: Spec) -> str:
    mode = f" in mode {spec.mode}" if spec.mode else ""
    return f"{spec.app}{mode} on port {spec.service.port}"
