"""Ask a running app how it is, over HTTP, as Kubernetes' httpGet does: 200-399 is well, redirects are not followed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from ..desired import Probe, Spec
from ..launcher import HTTP
from ..names import ReleaseId
from ..observed import Phase, ProbeResult, Process
from ..paths import Paths
from . import files, proc, sentinel
from .traffic import Traffic
from .unix_http import SCHEME, UnixAdapter

_LONGEST = 300  # bytes of an answer that says why
_ANSWER = 65536  # bytes of a good answer that are read at most
_ASKED = (Phase.ACTIVATING, Phase.RUNNING)


class Prober:
    """Its counts of bad answers in a row live in a file, so that they outlast the worker. A new process begins anew."""

    def __init__(self, paths: Paths, traffic: Traffic) -> None:
        self._path = paths.state / "probes.json"
        self._paths = paths
        self._traffic = traffic
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy stands between the agent and the app beside it
        self._session.mount(SCHEME, UnixAdapter(lambda release: paths.private(ReleaseId(release)) / HTTP))

    def examine(self, process: Process, spec: Spec, now: datetime) -> Process:
        """The process with its probes' answers filled in. Not asked while it cannot answer.

        One that has not said READY=1 yet may say over HTTP why; whether it lives is asked once it has.
        """
        if process.phase not in _ASKED or process.pid is None:
            return process
        if spec.launched:
            process = replace(process, accepts=self._traffic.accepts(process.release))
        known, service = self._known(process), spec.service
        if not known.get("started"):
            answer = self._ask(process, spec, service.startup_probe, known.get("readiness"), now)
            if not answer.ok:
                answer = replace(answer, message=answer.message + _elsewhere(answer, process, spec))
                self._remember(process, started=False, readiness=answer)
                return replace(process, readiness=answer)
        before = _counted(self._paths.readiness, process, known.get("readiness"))
        readiness = self._ask(process, spec, service.readiness_probe, before, now)
        if process.phase is Phase.ACTIVATING:
            return replace(process, readiness=readiness)
        before = _counted(self._paths.liveness, process, known.get("liveness"))
        liveness = self._ask(process, spec, service.liveness_probe, before, now)
        self._remember(process, started=True, readiness=readiness, liveness=liveness)
        return replace(process, started=True, readiness=readiness, liveness=liveness)

    def _ask(
        self, process: Process, spec: Spec, probe: Probe, before: Mapping[str, Any] | None, now: datetime
    ) -> ProbeResult:
        url, authority = self._url(process, spec, probe), f"{address(spec)}:{spec.service.port}"
        code, message, latency = self._get(url, probe, authority)
        if code is not None and (other := stranger(process, spec)):
            code, message = None, other
        ok = code is not None and 200 <= code < 400  # noqa: PLR2004 - HTTP's own numbers
        known = before or {}
        return ProbeResult(
            ok=ok,
            url=url,
            code=code,
            message=message,
            latency=latency,
            at=now,
            failures=0 if ok else known.get("failures", 0) + 1,
            since=None if ok else _instant(known.get("since")) or now,
        )

    def _url(self, process: Process, spec: Spec, probe: Probe) -> str:
        """A launched release is asked on its own socket: on the port another one may answer."""
        if spec.launched:
            return f"{SCHEME}{process.release}{probe.http_get.path}"
        return f"http://{address(spec)}:{spec.service.port}{probe.http_get.path}"

    def _get(self, url: str, probe: Probe, authority: str) -> tuple[int | None, str, timedelta]:
        what, seconds = f"GET {probe.http_get.path}", probe.timeout.total_seconds()
        try:
            asked = self._session.get(
                url, headers={"Host": authority}, timeout=seconds, allow_redirects=False, stream=True
            )
            with asked as answer:
                said = _why(answer) if answer.status_code >= 400 else _hear_out(answer)  # noqa: PLR2004 - HTTP's own number
                return answer.status_code, f"{what} answered {answer.status_code}{said}", answer.elapsed
        except requests.Timeout:
            return None, f"{what} gave no answer within {seconds:g} s", probe.timeout
        except requests.ConnectionError:
            return None, f"{what}: nothing answers at {url.split('/')[2]}", timedelta(0)
        except requests.RequestException as error:
            return None, f"{what}: {type(error).__name__}", timedelta(0)

    def _known(self, process: Process) -> dict[str, Any]:
        try:
            document = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return document if document.get("process") == _key(process) else {}

    def _remember(self, process: Process, *, started: bool, **answers: ProbeResult) -> None:
        document = {"process": _key(process), "started": started}
        for name, answer in answers.items():
            document[name] = {"failures": answer.failures, "since": answer.since and answer.since.isoformat()}
        with suppress(OSError):  # a full disk: the next pass counts anew
            files.write_volatile(self._path, json.dumps(document, default=str))


def _counted(path: Path, process: Process, known: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The daemon asks between the passes: its count goes on here."""
    pulse = sentinel.read(path)
    if pulse and pulse.release == process.release and datetime.fromisoformat(pulse.since) >= process.since:
        return {"failures": pulse.failures, "since": pulse.since}
    return known


def _hear_out(answer: requests.Response) -> str:
    """Closing before it has said all would reset the connection, which many a server logs as an error."""
    with suppress(requests.RequestException):
        next(answer.iter_content(_ANSWER), b"")
    return ""


def _why(answer: requests.Response) -> str:
    """What a bad answer says for itself, in one line; a page for people says nothing in one."""
    if not re.match(r"application/(\w+\+)?json|text/plain", answer.headers.get("content-type", "")):
        return ""
    with suppress(HTTPError):  # the status has come already; what breaks off or drips after it is not waited for
        words = answer.raw.read1(_LONGEST, decode_content=True).decode(errors="replace").split()
        return f": {' '.join(words)}" if words else ""
    return ""


def address(spec: Spec) -> str:
    """Where this VM reaches its own app: the loopback, unless the app listens on one other address only."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(spec.service.host, spec.service.host)  # noqa: S104


def stranger(process: Process, spec: Spec) -> str:
    """Who holds the port, if it is not this process or one of its own: then an answer proves nothing."""
    port = spec.service.port
    if spec.service.holds_socket or process.pid is None or not proc.is_listening(port):
        return ""
    holder = proc.listener(port)
    if holder is None:
        return f"port {port} is held by a process of another user, not by the app"
    if process.pid in (holder, proc.session(holder)):
        return ""
    return f"port {port} is held by process {holder} ({proc.name(holder)}), not by the app"


def _elsewhere(answer: ProbeResult, process: Process, spec: Spec) -> str:
    """Where a program listens that did not answer: it may have opened another port than its own."""
    own = spec.service.port
    ports = proc.ports_of(process.pid) if process.pid and answer.code is None else frozenset()
    if process.pid and spec.launched and not spec.service.hosted:
        ports -= proc.own_ports_of(process.pid)  # those of the launcher, which made the program's socket
    if ports <= {own} or (own in ports and not spec.service.holds_socket):
        return ""
    return f"; the process listens on port {', '.join(map(str, sorted(ports - {own})))} (its own is {own})"


def _key(process: Process) -> str:
    return f"{process.release} {process.pid} {process.since.isoformat()}"


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
