"""What is wrong with a file, as the person who wrote it reads it: where, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
"""The way to a value: `("service", "exec", 1)`."""

_LONGEST_KEY = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend. `line` counts from 1; `path` is empty where the file as a whole is meant."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}: {where}{self.message}"


class InvalidSpec(Exception):  # noqa: N818 (a verdict on a file, named as the condition's reason is)
    """A file cannot be accepted. `problems` holds every one, in the order of their lines; never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.path)))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The problems found so far in one file. The first one about a place stands: later ones follow from it."""

    file: str
    problems: dict[tuple[int, Path], Problem] = field(default_factory=dict)

    def add(self, line: int, path: Path, message: str) -> None:
        """Note a problem, unless there is one about this place already."""
        problem = Problem(file=self.file, line=line, path=dotted(path), message=message)
        self.problems.setdefault((line, path), problem)

    def knows(self, line: int, path: Path) -> bool:
        """Whether there is a problem about this place."""
        return (line, path) in self.problems

    def verdict(self) -> None:
        """Raises InvalidSpec with everything found, if anything was."""
        if self.problems:
            raise InvalidSpec(self.problems.values())


def dotted(path: Path) -> str:
    """`("service", "exec", 1)` -> `service.exec[1]`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{shown(key)}" for key in path).removeprefix(".")


def shown(text: str) -> str:
    """What somebody wrote, on one line and cut, so that a monstrous key does not fill the page."""
    line = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text.replace("\n", " "))
    return line if len(line) <= _LONGEST_KEY else f"{line[:_LONGEST_KEY]}..."
