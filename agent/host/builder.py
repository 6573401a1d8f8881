"""What is being made beside the passes, as a pass sees and steers it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .. import release as releases
from ..errors import AgentError, Broken, Reason, Stalled, Transient
from ..observed import Building, BuildState
from ..paths import Paths
from ..release import Release
from ..source import Packages
from .build_process import BuildProcess

_CLASSES: Mapping[str, type[AgentError]] = {kind.__name__: kind for kind in (Transient, Stalled, Broken)}
_LONGEST = 300  # characters of a last word
_ONLINE = {"HF_HUB_OFFLINE": "0"}  # whatever this user has for programs of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be made: the environment of a release, and its models. `files` are those of the repository that say what is in it."""

    release: Release
    since: datetime
    files: Mapping[str, bytes]
    packages: Packages

    def to_json(self) -> str:
        return json.dumps(
            {
                "release": releases.dump(self.release),
                "since": self.since.isoformat(),
                "files": {path: b64encode(data).decode() for path, data in self.files.items()},
                "packages": self.packages.model_dump_json(by_alias=True),
            }
        )


def read_order(text: str) -> Order:
    """Raises ValueError, KeyError or TypeError for anything that `to_json` did not write."""
    document = json.loads(text)
    return Order(
        release=releases.load(document["release"]),
        since=datetime.fromisoformat(document["since"]),
        files={path: b64decode(data) for path, data in document["files"].items()},
        packages=Packages.model_validate_json(document["packages"]),
    )


def dump_failure(error: AgentError) -> str:
    return json.dumps([type(error).__name__, error.reason, error.message, error.hint, error.evidence])


class Builder:
    """One environment at a time. Only the pass that holds worker.lock begins or forgets one."""

    def __init__(self, paths: Paths, packages: Packages, environ: Mapping[str, str]) -> None:
        self.process = BuildProcess(paths.build, paths.venvs)
        self._packages = packages
        self._environ = environ

    def look(self) -> Building | None:
        """What is being made, or was and is not whole; None where nothing is, or all of it."""
        runs = self.process.is_running  # asked first: one that succeeds forgets its order, then ends
        order = self._order()
        if order is None:
            return None
        ended = BuildState.FAILED if self.process.outcome.exists() else BuildState.LOST
        state = BuildState.RUNNING if runs else ended
        return Building(
            venv=order.release.venv,
            models=order.release.models,
            since=order.since,
            state=state,
            doing=_text(self.process.doing),
        )

    def begin(self, release: Release, files: Mapping[str, bytes], now: datetime) -> None:
        order = Order(release=release, since=now, files=files, packages=self._packages)
        self.process.start(order.to_json(), {**self._environ, **_ONLINE})

    def take_failure(self) -> None:
        """Raise why the last one failed, once."""
        building = self.look()
        if building is None or building.state is BuildState.RUNNING:
            return
        error = self._failure()
        self.process.forget()
        raise error

    def abandon(self) -> None:
        self.process.end()
        self.process.forget()

    def _order(self) -> Order | None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            return read_order(self.process.order.read_text())
        return None

    def _failure(self) -> AgentError:
        with suppress(OSError, ValueError, KeyError, TypeError):
            kind, reason, *words = json.loads(self.process.outcome.read_text())
            message, hint, evidence = words
            return _CLASSES[kind](Reason(reason), message, hint=hint, evidence=evidence)
        last = _text(self.process.log)
        why = f": {last[-_LONGEST:]}" if last else " (is there memory enough? see dmesg)"
        return Transient(Reason.BUILD_FAILED, f"the build was ended by something else than the agent{why}")


def _text(path: Path) -> str:
    """The last line of a file; empty where there is none."""
    with suppress(OSError):
        return (path.read_text(errors="replace").rstrip().splitlines() or [""])[-1]
    return ""
