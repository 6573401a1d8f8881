"""Releases to plan with, made by the real parser."""

from __future__ import annotations

from functools import cache

from agent.desired import Spec, parse
from agent.names import Revision, VenvId, make_revision
from agent.release import Release, make_release

FORM = """
apiVersion: gitops-vm/v1
app: mood
service: {{{program}, port: {port}, notify: {notify}{service}}}
rollout: {{soak: {soak}, strategy: {strategy}, rollback: {{enabled: {rollback}, keep: {keep}}}{rollout}}}
sync: {{selfHeal: {{enabled: {self_heal}{healing}}}}}
suspend: {suspend}
models: [{models}]
"""
EXEC, ASGI = "exec: python -m app, socketActivation: true", 'asgi: "app.main:app"'
BRISK = {
    "service": ", startupProbe: {periodSeconds: 1, failureThreshold: 10}",
    "rollout": ", timeout: 20s, retry: {backoff: {duration: 1s, maxDuration: 4s}}",
    "healing": ", backoff: {duration: 1s, factor: 2, maxDuration: 4s}",
}
"""The same rules in less time, for worlds that are driven by the thousand."""


@cache
def spec_of(
    *,
    port: int = 8010,
    notify: bool = False,
    rollback: bool = True,
    keep: int = 1,
    self_heal: bool = True,
    suspend: str = "false",
    brisk: bool = False,
    program: str = EXEC,
    soak: str = "0s",
    handover: bool = False,
    models: tuple[str, ...] = (),
) -> Spec:
    text = FORM.format(
        program=program,
        soak=soak,
        strategy="handover" if handover else "auto",
        port=port,
        notify=_yaml(notify),
        rollback=_yaml(rollback),
        keep=keep,
        self_heal=_yaml(self_heal),
        suspend=suspend,
        models=", ".join(f"{{repo: acme/{name}, revision: {40 * 'a'}}}" for name in models),
        **(BRISK if brisk else dict.fromkeys(BRISK, "")),
    )
    return parse(text.encode(), host="vm-1")


def release_of(name: str, spec: Spec | None = None, *, venv: str = "venv-1") -> Release:
    """The release of a commit called `name`."""
    revision = make_revision("main", name.encode().hex().ljust(40, "0"))
    return make_release(
        revision=revision, app_revision=Revision(revision), spec=spec or spec_of(), venv=VenvId(venv), secrets=""
    )


def _yaml(value: bool) -> str:
    return str(value).lower()
