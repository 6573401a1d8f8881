"""`service`: the program, its port, and how its health is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from .base import Strict
from .command import Command, ObjectName, Script, Variables
from .texts import Address, UrlPath, WebURL
from .values import contradiction, lasting, refusal, seconds

_HIGHEST_PORT = 65535
_LOWEST_PORT = 1024
_HOSTED = ("gradio", "asgi", "wsgi")


class HttpGet(Strict):
    path: UrlPath = "/"
    """The path asked for, with GET on the service's port; 200 to 399 is healthy."""


class Probe(Strict):
    """A question asked over HTTP. The names are Kubernetes'."""

    http_get: HttpGet = HttpGet()
    """What is asked."""
    period: Annotated[timedelta, seconds(1, 3600)] = Field(timedelta(seconds=5), alias="periodSeconds")
    """The time from one question to the next."""
    timeout: Annotated[timedelta, seconds(1, 30)] = Field(timedelta(seconds=3), alias="timeoutSeconds")
    """No answer within this time is a failure."""
    failure_threshold: int = Field(3, ge=1, le=3600)
    """So many failures in a row are a verdict."""


class StartupProbe(Probe):
    period: Annotated[timedelta, seconds(1, 3600)] = Field(timedelta(seconds=1), alias="periodSeconds")
    """The time from one question to the next."""
    failure_threshold: int = Field(60, ge=1, le=3600)
    """So many failures in a row, and it has not started: periodSeconds x failureThreshold is its time to start."""


class LivenessProbe(Probe):
    period: Annotated[timedelta, seconds(1, 3600)] = Field(timedelta(seconds=15), alias="periodSeconds")
    """The time from one question to the next."""


def _port(value: int) -> int:
    if 0 < value < _LOWEST_PORT:
        raise refusal(f"{value} is privileged; a user service can bind {_LOWEST_PORT}-{_HIGHEST_PORT}")
    if not _LOWEST_PORT <= value <= _HIGHEST_PORT:
        raise refusal(f"{value} is not a port; write {_LOWEST_PORT} to {_HIGHEST_PORT}")
    return value


class Launched(NamedTuple):
    """What our launcher serves: `kind` is gradio, asgi, wsgi with one word, or exec with a command line."""

    kind: str
    words: tuple[str, ...]


class Service(Strict):
    exec: Command | None = Field(None, examples=["python -m app"])
    """A program of its own: its command, started in `source.path` with the venv's bin first in PATH. A string is split into words; no shell runs it."""
    gradio: Script | None = Field(None, examples=["app.py"])
    """Instead of exec: a script that calls `demo.launch()`, as it is. It is served so that a new release takes over without a failed request."""
    asgi: ObjectName | None = Field(None, examples=["app.main:app"])
    """Instead of exec, the same for an ASGI app (FastAPI, Starlette, Quart): module:object."""
    wsgi: ObjectName | None = Field(None, examples=["app:app"])
    """Instead of exec, the same for a WSGI app (Flask, Django): module:object."""
    notify: bool = False
    """The program says READY=1 itself (sd_notify)."""
    socket_activation: bool = False
    """The program takes its listening socket from LISTEN_FDS, so that a restart refuses no connection; with `rollout.strategy: handover` none waits either."""
    public_url: WebURL | None = Field(None, alias="publicURL")
    """The URL people use, shown as evidence; without it http://<host>:<port>/."""
    host: Address = "0.0.0.0"  # noqa: S104 (an app on a VM is meant to be reached; 127.0.0.1 is for one behind a proxy)
    """The address it listens on; given to it as HOST."""
    port: Annotated[int, AfterValidator(_port)] = Field(
        examples=[8010], json_schema_extra={"minimum": _LOWEST_PORT, "maximum": _HIGHEST_PORT}
    )
    """The port it listens on; given to it as PORT."""
    env: Variables = Field(default_factory=dict[str, str])
    """Environment variables. Never secrets: this file is in git."""
    termination_grace_period: Annotated[timedelta, seconds(1, 3600)] = Field(
        timedelta(seconds=20), alias="terminationGracePeriodSeconds"
    )
    """The time from SIGTERM to SIGKILL."""
    readiness_probe: Probe = Probe()
    """May it be given requests?"""
    startup_probe: StartupProbe = Field(StartupProbe(), validate_default=True)
    """Has it started? Asks readiness' path unless another is written."""
    liveness_probe: LivenessProbe = Field(LivenessProbe(), validate_default=True)
    """Must it be restarted? Asks start-up's path unless another is written."""
    watchdog: Annotated[timedelta, lasting(timedelta(seconds=1), timedelta(hours=1))] | None = None
    """Restarted when it sends no WATCHDOG=1 for this long; needs notify."""

    def __hash__(self) -> int:
        """Of what is hashable; `env` is not."""
        return hash((self.exec, self.hosted, self.host, self.port))

    @property
    def hosted(self) -> Launched | None:
        """The app that runs in a server of ours; None for a program of its own."""
        for kind in _HOSTED:
            if target := getattr(self, kind):
                return Launched(kind, (target,))
        return None

    @property
    def holds_socket(self) -> bool:
        """The port is held for it while releases come and go."""
        return self.socket_activation or self.hosted is not None

    @field_validator("startup_probe", mode="before")
    @classmethod
    def _as_readiness(cls, written: Any, info: ValidationInfo) -> Any:
        return _asking(written, info.data.get("readiness_probe"))

    @field_validator("liveness_probe", mode="before")
    @classmethod
    def _as_startup(cls, written: Any, info: ValidationInfo) -> Any:
        return _asking(written, info.data.get("startup_probe"))

    @field_validator("watchdog")
    @classmethod
    def _spoken(cls, watchdog: timedelta | None, info: ValidationInfo) -> timedelta | None:
        if watchdog and info.data.get("notify") is False and not any(info.data.get(kind) for kind in _HOSTED):
            raise contradiction('needs "notify: true": only a program that speaks sd_notify can feed a watchdog')
        return watchdog

    @model_validator(mode="after")
    def _one_program(self) -> Self:
        written = [kind for kind in ("exec", *_HOSTED) if getattr(self, kind)]
        if len(written) > 1:
            raise contradiction(f"has {' and '.join(written)}; write one of them")
        if not written:
            raise contradiction("says nothing to start; write exec: python -m app, or one of gradio, asgi, wsgi")
        return self


def _asking(written: Any, other: Probe | None) -> Any:
    """A probe as written, or a default one, with the other's question where it has none of its own."""
    if other is None:
        return written
    if isinstance(written, Probe):
        return written.model_copy(update={"http_get": other.http_get})
    return {"httpGet": other.http_get, **written} if isinstance(written, Mapping) else written
