"""`gc`: what may go from the disk, and away with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Reason, Transient
from ..host import disk
from ..host.garbage import Garbage
from ..host.models import Models
from ..host.source_file import read_source
from ..host.vm import VM
from ..observed import BuildState, Observed
from ..release import Release
from ..retention import prune
from ..steps import Prune
from .turns import Turns, lasting

if TYPE_CHECKING:
    from .verbs import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`names` of what goes, `size` of what that frees in bytes; None: known only once it is done."""

    what: str
    names: tuple[str, ...] = ()
    size: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {"what": self.what, "names": list(self.names), "bytes": self.size}


def gc(call: Call) -> int:
    """Raises Transient while something is built: its downloads are in use."""
    turns = Turns(call, lasting(call.terminal.complain), polled=True)
    with turns() as host:
        desired = host.accepted()
        observed = host.observe(desired)
        if observed.building and observed.building.state is BuildState.RUNNING:
            raise Transient(Reason.BUSY, "something is being built", hint="try again once `gitops-vm status` says so")
        parts = _collect(call, host, desired, observed)
    _tell(call, parts)
    return 0


def _collect(call: Call, host: VM, desired: Release | None, observed: Observed) -> list[Part]:
    garbage, dry = Garbage(call.paths, call.environ), call.options.dry_run
    todo = next(iter(prune(desired, observed, spared=desired)), None) if desired else None
    step = todo or Prune(frozenset(), frozenset(), frozenset(), "")
    releases = [call.paths.release(each) for each in sorted(step.releases)]
    venvs = [call.paths.venv(each) for each in sorted(step.venvs)]
    leftovers, source = garbage.leftovers(), read_source(call.paths)
    mirrors = garbage.mirrors(source.url, source.status.url, desired.spec.source.url) if desired else []
    parts = [
        _part("releases", releases),
        _part("environments", venvs),
        _models(call, step, releases),
        _part("repositories", mirrors),
        _part("leftovers", leftovers),
    ]
    if not dry:
        host.alive("removing what nobody uses")
        host.prune(step.releases, step.venvs, step.models)
        garbage.remove([*mirrors, *leftovers])
    return [*parts, _packages(call, garbage, dry=dry)]


def _part(what: str, paths: list[Path]) -> Part:
    return Part(what=what, names=tuple(path.name for path in paths), size=disk.freed(*paths))


def _models(call: Call, step: Prune, releases: list[Path]) -> Part:
    """Their files are linked into the releases: it takes both to free the room."""
    blobs = Models(call.paths).paths(step.models)
    size = disk.freed(*blobs, *releases) - disk.freed(*releases)
    return Part(what="models", names=tuple(sorted(step.models)), size=size)


def _packages(call: Call, garbage: Garbage, *, dry: bool) -> Part:
    """Of the downloads only uv knows which it can still use; all of them are known."""
    before, everything = garbage.packages(), call.options.cache
    if dry:
        return Part(what="downloads", size=before if everything else None)
    clear: Callable[[], None] = garbage.drop_packages if everything else garbage.prune_packages
    clear()
    return Part(what="downloads", size=max(before - garbage.packages(), 0))


def _tell(call: Call, parts: list[Part]) -> None:
    total = sum(part.size or 0 for part in parts)
    if call.as_json:
        done = not call.options.dry_run
        call.terminal.json({"bytes": total, "done": done, "parts": [part.to_json() for part in parts]})
        return
    for part in parts:
        count = str(len(part.names)) if part.what != "downloads" else ""
        size = "what uv finds unused" if part.size is None else _mega(part.size)
        call.terminal.line(f"{part.what:<13} {count:>4}  {size}")
    call.terminal.line(f"{'would free' if call.options.dry_run else 'freed'} {_mega(total)}")


def _mega(size: int) -> str:
    return f"{size / 1024**2:.1f} MiB"
