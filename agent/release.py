"""A release: one revision as it is built on this VM. Immutable; everything that makes it differ is in its id."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from .desired import Spec
from .names import ModelId, ReleaseId, Revision, VenvId

_ID_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A revision with its merged specification, its environment and the digest of the secrets it was given."""

    id: ReleaseId
    revision: Revision
    app_revision: Revision
    spec: Spec
    venv: VenvId
    secrets: str

    @property
    def models(self) -> frozenset[ModelId]:
        return frozenset(model.id for model in self.spec.models)

    @property
    def kind(self) -> str:
        """Releases of one kind need about as much memory: the same environment in the same mode."""
        return f"{self.venv} {self.spec.mode}".rstrip()


def make_release(*, revision: Revision, app_revision: Revision, spec: Spec, venv: VenvId, secrets: str) -> Release:
    """The release of these parts. `secrets` is a salted digest of the values, never a value."""
    parts = f"{revision}\0{app_revision}\0{spec.canonical()}\0{venv}\0{secrets}"
    digest = hashlib.sha256(parts.encode()).hexdigest()[:_ID_DIGITS]
    return Release(
        id=ReleaseId(f"{spec.app}-{digest}"),
        revision=revision,
        app_revision=app_revision,
        spec=spec,
        venv=venv,
        secrets=secrets,
    )


def dump(release: Release) -> str:
    """As JSON, for release.json; `load` reads it."""
    return json.dumps(
        {
            "id": release.id,
            "revision": release.revision,
            "appRevision": release.app_revision,
            "venv": release.venv,
            "secrets": release.secrets,
            "spec": json.loads(release.spec.canonical()),
        },
        indent=1,
    )


def load(text: str) -> Release:
    """Raises ValueError, KeyError or TypeError for anything that `dump` did not write."""
    document = json.loads(text)
    return Release(
        id=ReleaseId(document["id"]),
        revision=Revision(document["revision"]),
        app_revision=Revision(document["appRevision"]),
        spec=Spec.from_canonical(json.dumps(document["spec"])),
        venv=VenvId(document["venv"]),
        secrets=document["secrets"],
    )
