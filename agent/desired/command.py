"""What a program is started with: its command line and its variables. Nothing here ever reaches a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from .texts import LINE, RelativePath
from .values import Matching, anchored, refusal

_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
_OWN_VARIABLES = re.compile(
    r"(?:MODE|HOST|PORT|REVISION|RELEASE|REPOSITORY_URL|STATUS_BRANCH|PATH|VIRTUAL_ENV|GRADIO_SERVER_(?:NAME|PORT)|GITOPS_.*"
    r"|LISTEN_(?:FDS|PID|FDNAMES)|NOTIFY_SOCKET|WATCHDOG_(?:USEC|PID))\Z"
)
_SHELL_WORDS = re.compile(r"[|&]\Z|[0-9]?[<>]")
_SHELL_SIGNS = re.compile(r"\$[A-Za-z_{(]|`")


def _words(written: Any) -> Any:
    """A command line as its words. A list passes as it is."""
    if not isinstance(written, str):
        return tuple(written) if isinstance(written, list) else written  # JSON has lists
    if not re.fullmatch(LINE + "*", written):
        raise refusal("a command is one line without control characters")
    try:
        words = shlex.split(written)
    except ValueError as error:
        raise refusal(f"cannot be split into words: {str(error).lower()}") from None
    if _SHELL_SIGNS.search(written) or any(map(_for_a_shell, words)):
        raise refusal("no shell runs it, so nothing is expanded, piped or chained; write the values, or a list")
    return tuple(words)


def _for_a_shell(word: str) -> bool:
    """`>`, `&&`, `x;`: but a quoted argument with blanks is meant as it stands."""
    if re.search(r"\s", word):
        return False
    return bool(_SHELL_WORDS.match(word)) or "&&" in word or "||" in word or word.endswith(";")


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words:
        raise refusal("write the command to start, such as python -m app")
    if not re.match(r"[A-Za-z0-9_./]", words[0]):  # systemd gives a meaning to - @ : + ! | before a program
        raise refusal("the program's name begins with a letter, a digit, _, . or /")
    if "=" in words[0]:
        raise refusal("begins with a variable; write it under service.env")
    return words


Argument = Annotated[str, Matching(LINE + "*", "an argument is one line without control characters")]
Command = Annotated[
    tuple[Argument, ...],
    BeforeValidator(_words),
    AfterValidator(_command),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": anchored(LINE + "+")},
                {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": anchored(LINE + "*")}},
            ]
        }
    ),
]


def _script(path: str) -> str:
    if path.endswith(".py"):
        return path
    raise refusal("write the script that calls launch(), such as app.py")


Script = Annotated[RelativePath, AfterValidator(_script)]
ObjectName = Annotated[
    str,
    Matching(
        r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_.]*(?:\(\))?",
        "write module:object, such as app.main:app; module:create() calls a factory",
    ),
]


def _variable(name: str) -> str:
    if not re.fullmatch(_VARIABLE, name):
        raise refusal("the name of a variable is letters, digits and _, not beginning with a digit")
    if _OWN_VARIABLES.match(name):
        raise refusal("is set by the agent, from mode, service.host, service.port, the release and its repository")
    return name


VariableName = Annotated[str, AfterValidator(_variable)]
VariableValue = Annotated[str, Matching(LINE + "*", "the value of a variable is one line without control characters")]
Variables = Annotated[
    Mapping[VariableName, VariableValue],
    WithJsonSchema(
        {
            "type": "object",
            "patternProperties": {anchored(_VARIABLE): {"type": "string", "pattern": anchored(LINE + "*")}},
            "additionalProperties": False,
        }
    ),
]
