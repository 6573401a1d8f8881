"""The mutants that may live, each with its reason: survivors.md, read by the runner and by people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LEDGER = Path(__file__).with_name("survivors.md")
_ENTRY = re.compile(
    r"^## `(?P<function>[^`]+)`\n+```diff\n(?P<change>.*?)\n```\n+(?P<reason>.*?)\s*(?=^## |\Z)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A function by its dotted name, and the lines of it that were changed, as in a diff."""

    function: str
    change: str

    def __str__(self) -> str:
        return f"## `{self.function}`\n\n```diff\n{self.change}\n```\n"


def excused(text: str) -> dict[Mutant, str]:
    """The mutants of survivors.md with the reason written for each."""
    return {Mutant(each["function"], each["change"]): each["reason"] for each in _ENTRY.finditer(text)}


def mutant(name: str, diff: str) -> Mutant:
    """Of mutmut's name (`agent.plan._serve.x__launch__mutmut_18`) and of what `mutmut show` prints for it."""
    module, _, mangled = name.rpartition(".")
    function = re.sub(r"__mutmut_\d+$", "", mangled).removeprefix("x_")
    changed = [line for line in diff.splitlines() if re.match(r"[-+](?!--|\+\+)", line)]
    return Mutant(f"{module}.{function}", "\n".join(changed))


def verdict(alive: set[Mutant], reasons: dict[Mutant, str]) -> list[str]:
    """What is wrong, for people: mutants that live without a reason, reasons for mutants that do not live."""
    unexcused = [f"survives, and survivors.md gives no reason:\n{each}" for each in alive if not reasons.get(each)]
    outdated = [f"is excused in survivors.md and does not survive:\n{each}" for each in reasons.keys() - alive]
    return sorted(unexcused + outdated)
