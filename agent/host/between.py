"""What a pass tells the daemon: which remotes to ask, and how the app is, until the next pass (daemon.json)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..daemon_config import DaemonConfig, WatchedProbe
from ..desired import Probe
from ..launcher import HTTP
from ..paths import Paths
from ..release import Release
from ..report import Report
from . import files
from .probe import address

_INTERVAL = 15.0  # seconds, while nothing is declared


def tell_daemon(paths: Paths, report: Report, remotes: Mapping[str, dict[str, Any]]) -> None:
    """Written only where it differs: the daemon reads it anew by its time. Raises Broken where the disk takes nothing."""
    watched = _watched(report)
    service = watched.spec.service if watched else None
    config = DaemonConfig(
        remotes=dict(remotes),
        interval=report.desired.spec.sync.interval.total_seconds() if report.desired else _INTERVAL,
        readiness=_asked(paths, watched, service.readiness_probe) if watched and service else None,
        liveness=_asked(paths, watched, service.liveness_probe) if watched and service else None,
    )
    path, text = paths.state / "daemon.json", config.to_json()
    if not path.exists() or path.read_text() != text:
        files.write(path, text)


def _watched(report: Report) -> Release | None:
    """The release that runs and was promoted."""
    observed = report.observed
    release = observed.releases.get(observed.current) if observed.current else None
    return release if release and observed.process_of(release.id) else None


def _asked(paths: Paths, release: Release, probe: Probe) -> WatchedProbe:
    return WatchedProbe(
        release=release.id,
        host=address(release.spec).strip("[]"),
        port=release.spec.service.port,
        unix=str(paths.private(release.id) / HTTP) if release.spec.launched else "",
        path=probe.http_get.path,
        period=probe.period.total_seconds(),
        timeout=probe.timeout.total_seconds(),
        threshold=probe.failure_threshold,
    )
