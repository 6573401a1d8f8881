"""`gitops-vm`: argv and the environment are read here and nowhere else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence

from ..errors import AgentError
from ..paths import locate

FAILED = 1
USAGE = 64  # EX_USAGE of sysexits.h: 2 keeps its meaning in `plan` and `status`
INTERRUPTED = 130


class Misuse(Exception):  # noqa: N818 - a state, as the errors of ../errors.py are
    """What was typed, or a file it names, cannot be meant. The message says what to write; the exit code is USAGE."""


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one verb and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    environment = dict(os.environ if environ is None else environ)
    try:
        return _run(arguments, environment)
    except AgentError as error:
        tell(error, as_json="--json" in arguments)
        return FAILED
    except Misuse as misuse:
        tell(misuse, as_json="--json" in arguments)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `gitops-vm logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def tell(error: AgentError | Misuse, *, as_json: bool) -> None:
    """One line for people; with `as_json` a document too, so that a program always finds one on standard output."""
    print(f"gitops-vm: {error}", file=sys.stderr)  # noqa: T201
    if as_json:
        print(json.dumps({"error": as_document(error)}, indent=2), flush=True)  # noqa: T201


def as_document(error: AgentError | Misuse) -> dict[str, str]:
    if isinstance(error, AgentError):
        return {"reason": error.reason, "message": error.message, "hint": error.hint}
    return {"reason": "Misuse", "message": str(error), "hint": ""}


def _run(arguments: list[str], environment: dict[str, str]) -> int:
    if arguments == ["run"]:  # the resident must not carry what the other verbs import
        from .resident import run  # noqa: PLC0415

        return run(locate(environment, uid=os.getuid()), environment)
    if arguments == ["build"]:
        from . import build  # noqa: PLC0415

        return build.run(locate(environment, uid=os.getuid()), environment)
    from .verbs import dispatch  # noqa: PLC0415

    return dispatch(arguments, environment)
