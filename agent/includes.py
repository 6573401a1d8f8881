"""Requirement files and the files they include, in the format of pip. Pure: files are read through a function that is given."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from .errors import Reason, Stalled

Read = Callable[[str], bytes | None]
"""The content of a file of the repository by its path from the root, None where there is none."""

_INCLUDE = re.compile(r"\s*(?:-r|--requirement|-c|--constraint)(?:\s+|=|(?<=-[rc]))(?P<file>[^\s#]+)")
_LOCAL = re.compile(r"\s*(?:-e\b|--editable\b|\.{1,2}(?:/|\s|$)|/|(?:[\w.\[\],-]+\s*@\s*)?file:)")


def with_includes(read: Read, path: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The file and all that it includes, each once. Raises Stalled for what is not in the repository, and for lines that
    install code of the repository: it would stay as it is in the environment while the next releases change it.
    """
    ahead, seen = [(path, data)], {path}
    while ahead:
        path, data = ahead.pop(0)
        yield path, data
        for target in _includes(path, data):
            content = read(target)
            if content is None:
                raise Stalled(Reason.BUILD_FAILED, f"{path} includes {target}, which is not in the repository")
            if target not in seen:
                seen.add(target)
                ahead.append((target, content))


def _includes(path: str, data: bytes) -> Iterator[str]:
    for number, line in enumerate(data.decode(errors="replace").splitlines(), start=1):
        if _LOCAL.match(line):
            message = f"{path}:{number}: code of the repository cannot be installed, for releases share environments"
            raise Stalled(Reason.BUILD_FAILED, f"{message}; the app can import it from its own directory")
        if include := _INCLUDE.match(line):
            yield _resolved(path, number, include["file"])


def _resolved(path: str, number: int, name: str) -> str:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    if "://" in name or target.startswith(("/", "../")):
        raise Stalled(Reason.BUILD_FAILED, f"{path}:{number}: {name} is not in the repository; copy it there")
    return target
