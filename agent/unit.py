"""The unit of a release: what is started, where, with which environment. Pure, and immutable as the release is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from .names import ReleaseId, sha

if TYPE_CHECKING:  # the supervisor reads units: it must cost it no pydantic
    from .desired import Spec
    from .paths import Paths
    from .release import Release

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_MARGIN = timedelta(minutes=1)
_LOOP_STANDS = timedelta(seconds=60)  # so long without a turn, and the event loop of a launched app is stuck


class Address(NamedTuple):
    """Where a socket listens; `host` is an IP address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Whence(NamedTuple):
    """Of whom this VM has its code, for an app that shows it. Empty: it is not told."""

    url: str = ""
    status_branch: str = ""  # in the same repository


NOWHERE = Whence()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What a service manager needs to know of a release. Paths are absolute."""

    release: ReleaseId
    description: str
    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    env_file: str  # KEY=value lines, may be absent; they win over `env`
    listen: Address | None  # the held socket it takes as LISTEN_FDS; None: it opens its port itself
    launched: bool  # by our launcher, which sends away whoever answers in its stead before it accepts
    notify: bool  # started only when it says READY=1
    watchdog: timedelta | None
    start_timeout: timedelta
    stop_timeout: timedelta


def unit_of(release: Release, paths: Paths, whence: Whence = NOWHERE) -> Unit:
    """The one unit this release can have on this VM."""
    service = release.spec.service
    return Unit(
        release=release.id,
        description=f"{release.spec.app} {release.revision}",
        argv=_argv(release, paths),
        cwd=f"{paths.tree(release.id)}/{release.spec.source.path}",
        env=_environment(release, paths, whence),
        env_file=str(paths.environment),
        listen=Address(service.host, service.port) if service.holds_socket else None,
        launched=release.spec.launched is not None,
        notify=service.notify or release.spec.launched is not None,
        watchdog=service.watchdog or (_LOOP_STANDS if service.hosted else None),
        start_timeout=_start_timeout(release.spec),
        stop_timeout=service.termination_grace_period,
    )


def _argv(release: Release, paths: Paths) -> tuple[str, ...]:
    service, launched = release.spec.service, release.spec.launched
    if launched is None:
        return (
            "/usr/bin/env",
            *(service.exec or ()),
        )  # finds the program in the venv, whatever the manager's own PATH is
    return (
        *(f"{paths.venv(release.venv)}/bin/python", str(paths.launcher(release.id))),
        *("--release", release.id, "--current", str(paths.current), "--private", str(paths.private(release.id))),
        *("--grace", f"{service.termination_grace_period.total_seconds():g}"),
        *(["--notify"] if service.exec and service.notify else ()),
        *(launched.kind, *launched.words),
    )


def _environment(release: Release, paths: Paths, whence: Whence) -> dict[str, str]:
    """The agent's own variables, then what the file declares (which cannot name MODE, HOST or PORT)."""
    service, venv = release.spec.service, paths.venv(release.venv)
    return {
        "MODE": release.spec.mode,
        "HOST": service.host,
        "PORT": str(service.port),
        "GRADIO_SERVER_NAME": service.host,
        "GRADIO_SERVER_PORT": str(service.port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "REVISION": sha(release.app_revision),
        "GITOPS_REVISION": sha(release.revision),
        **_origin(release.spec, whence),
        "RELEASE": release.id,
        "VIRTUAL_ENV": str(venv),
        "PATH": f"{venv}/bin:{_SYSTEM_PATH}",
        "PYTHONUNBUFFERED": "1",  # a crash loses no line of its log
        **(_models(str(paths.hub(release.id))) if release.spec.models else {}),
        **service.env,
    }


def _origin(spec: Spec, whence: Whence) -> dict[str, str]:
    """Never with a password: both files refuse one in a URL."""
    if spec.source.url:
        return {"REPOSITORY_URL": spec.source.url}
    told = {"REPOSITORY_URL": whence.url, "STATUS_BRANCH": whence.status_branch}
    return {name: value for name, value in told.items() if value}


def _models(hub: str) -> dict[str, str]:
    """Where the declared models are. Offline, because a name then means the declared commit, whatever its branch has become

    since, and a restart needs no hub. It also refuses calls to inference APIs: `service.env` may say HF_HUB_OFFLINE: "0".
    """
    return {"HF_HUB_CACHE": hub, "HF_HUB_OFFLINE": "1"}


def _start_timeout(spec: Spec) -> timedelta:
    """Longer than the agent waits: it decides first, and this ends only what it no longer looks after."""
    probe = spec.service.startup_probe
    return max(probe.period * probe.failure_threshold, spec.rollout.timeout) + _MARGIN
