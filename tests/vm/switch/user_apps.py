"""Apps as their authors wrote them, each in a folder of its own here. A deploy changes one line: VERSION = "..."."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PLAIN = ("--pause", "0.05", "--new", "4", "--keep", "4")
STREAMS = ("--events", "/events", "--sse", "2")
QUEUE = ("--pause", "0.05", "--new", "2", "--keep", "2", "--call", "greet", '["Ada"]', "--calls", "2", "--pages", "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserApp:
    """`source` is the file with the version, `load` what its users do, `release` where its answers say the version."""

    name: str
    source: str
    load: tuple[str, ...]
    release: str = r'(?:version": ?"|of version )(\w+)'
    hands_over: bool = True

    def files(self, port: int, version: str) -> dict[str, str | bytes]:
        """Its whole repository, on a port that is free here."""
        found = {str(path.relative_to(HERE / self.name)): path.read_text() for path in self._paths()}
        found[self.source] = versioned(found[self.source], version)
        found["desired-state.yaml"] = re.sub(r"(?m)^  port: \d+$", f"  port: {port}", found["desired-state.yaml"])
        return dict(found)

    def mark(self, version: str, revision: str) -> str:
        """What its answers say once that is live."""
        return version

    def _paths(self) -> Iterator[Path]:
        every = (path for path in (HERE / self.name).rglob("*") if path.is_file())
        return (path for path in every if "__pycache__" not in path.parts)


def versioned(source: str, version: str) -> str:
    """The source with another version in it."""
    changed, count = re.subn(r'(?m)^VERSION = ".*"$', f'VERSION = "{version}"', source)
    assert count == 1, source
    return changed


GRADIO = UserApp(
    name="gradio_demo",
    release=r"(?:is|of) version (\w+)",
    source="app.py",
    load=(*QUEUE, "--path", "/config", "--generate", "count", "[40]"),
)
FASTAPI = UserApp(name="fastapi_app", source="app/main.py", load=(*PLAIN, *STREAMS))
FLASK = UserApp(name="flask_app", source="app.py", load=(*PLAIN, *STREAMS))
LISTEN_FDS = UserApp(name="listen_fds", source="app.py", load=(*PLAIN, *STREAMS))
PLAIN_HTTP = UserApp(name="plain_http", source="server.py", load=PLAIN, hands_over=False)
APPS = (FASTAPI, FLASK, GRADIO, LISTEN_FDS, PLAIN_HTTP)
