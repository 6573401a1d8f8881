"""Which agent this is: `version`, and `--version` as every program has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import __version__
from ..host.facts import installed_as

if TYPE_CHECKING:
    from .verbs import Call


def line() -> str:
    """`gitops-vm 0.1.0 (2aac198a5293)`; the digest is of the files that bootstrap installed, and missing in a checkout."""
    revision = installed_as()
    return f"gitops-vm {__version__}" + (f" ({revision})" if revision else "")


def version(call: Call) -> int:
    if call.as_json:
        call.terminal.json({"version": __version__, "revision": installed_as()})
    else:
        call.terminal.line(line())
    return 0
