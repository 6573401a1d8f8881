"""source.yaml: where this VM's desired state comes from. Written by bootstrap.py, never in git: who can push cannot point the VM elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from . import strict_yaml
from .desired.base import Strict
from .desired.check import checked
from .desired.remotes import LOCAL_ALLOWED, Ref, RefName, RemoteURL
from .desired.schema import schema_of, schema_text
from .desired.texts import HostName, RelativePath
from .desired.values import Matching, lasting, refusal, size

_KI, _MI, _GI = 1024, 1024**2, 1024**3
_INDEX = r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/+%-]{0,1023})?"
_FOLDER = r"/[^\x00-\x1f\x7f]{0,1023}"
_NO_SECRETS = "never with a user or password in it, those go into ~/.netrc on the VM"

IndexURL = Annotated[str, Matching(_INDEX, f"write the http(s) URL of a package index; {_NO_SECRETS}")]
DefaultOrURL = Annotated[
    str, Matching(f"default|{_INDEX}", f"write default or the http(s) URL of a package index; {_NO_SECRETS}")
]
HubURL = Annotated[
    str, Matching(_INDEX, "write the http(s) URL of the hub or a mirror of it; a token never stands in it")
]
Links = Annotated[str, Matching(f"{_INDEX}|{_FOLDER}", f"write an http(s) URL or an absolute path; {_NO_SECRETS}")]


class Limits(Strict):
    """Sizes are bytes, written with a binary unit."""

    repository: Annotated[int, size(_MI, 100 * _GI)] = 500 * _MI
    """The largest tree that is deployed."""
    files: int = Field(20_000, ge=1, le=1_000_000)
    """The most files a tree may have."""
    file: Annotated[int, size(_KI, 100 * _GI)] = 50 * _MI
    """The largest single file in it."""


class Packages(Strict):
    index: DefaultOrURL = "default"
    """The package index; default is uv's own choice."""
    extra_index: tuple[IndexURL, ...] = ()
    """More indexes, asked first."""
    find_links: tuple[Links, ...] = ()
    """Folders or pages with wheels."""
    torch_backend: Annotated[
        str,
        Matching(r"auto|cpu|xpu|cu[0-9]{2,3}|rocm[0-9]\.[0-9](?:\.[0-9])?", "write auto, cpu, or one such as cu128"),
    ] = "auto"
    """Which build of torch is installed; auto is what the VM's hardware can use."""
    hub: HubURL = "https://huggingface.co"
    """Where models are fetched from: the hub itself, or a mirror of it."""


def _evidence_only(branch: str) -> str:
    if not branch.startswith("status/"):
        raise refusal('begins with "status/", so that evidence can never be pushed over code')
    return branch


class Status(Strict):
    url: RemoteURL | None = None
    """A repository of its own for the evidence, with its own key; without it the one the code is in."""
    branch: Annotated[RefName, AfterValidator(_evidence_only)]
    """The branch the evidence is committed to; status/<host> unless another is written."""
    heartbeat: Annotated[timedelta, lasting(timedelta(minutes=5), timedelta(days=7))] = timedelta(hours=1)
    """A commit at least this often, so that a dead agent is told from a quiet one."""


class Source(Strict):
    """Where from, and who is trusted."""

    api_version: Literal["gitops-vm/v1"] = Field(examples=["gitops-vm/v1"])
    """The version of this format."""
    host: HostName = Field(examples=["vm-1"])
    """What this VM is called: the key under `hosts`, the name of its status branch."""
    url: RemoteURL = Field(examples=["git@github.com:acme/mood.git"])
    """The repository desired-state.yaml is in: ssh, scp form, https, or an absolute path."""
    ref: Ref = Ref(branch="main")
    """What is followed in it."""
    path: RelativePath = "desired-state.yaml"
    """Where desired-state.yaml is in it."""
    limits: Limits = Limits()
    """What is refused before anything of it is written to disk."""
    packages: Packages = Packages()
    """Where packages come from."""
    status: Status = Field(default_factory=dict, validate_default=True)
    """Where the evidence goes."""

    @property
    def is_local(self) -> bool:
        """The repository is on this machine; only then may an app's be, or that of the evidence."""
        return _is_local(self.url)

    @field_validator("ref")
    @classmethod
    def _no_evidence(cls, ref: Ref) -> Ref:
        if ref.branch and re.match(r"status(?:/|\Z)", ref.branch):
            raise refusal("follows a branch for evidence; follow the one the code is on, such as main")
        return ref

    @field_validator("status", mode="before")
    @classmethod
    def _beside(cls, written: Any, info: ValidationInfo) -> Any:
        """What stands beside it decides: the host names the branch, and a local url allows another one."""
        if not isinstance(written, Mapping):
            return written
        # Absent is what was refused; one problem is enough.
        host, url = info.data.get("host", "unnamed"), info.data.get("url", "/")
        return Status.model_validate({"branch": f"status/{host}", **written}, context={LOCAL_ALLOWED: _is_local(url)})


def _is_local(url: str) -> bool:
    return url.startswith(("/", "file://"))


def parse(data: bytes, *, file: str = "source.yaml") -> Source:
    """Raises InvalidSpec with every problem. `file` is only for the messages."""
    root, findings = strict_yaml.load(data, file=file)
    source = checked(Source, root, findings, allow_local=True)
    findings.verdict()
    if source is None:
        raise AssertionError("a source was refused without a problem")
    return source


def schema() -> dict[str, Any]:
    """The JSON Schema of source.yaml. `python -m agent.source > docs/source.schema.json` writes it."""
    described = schema_of(Source, "source.yaml of gitops-vm")
    described["$defs"]["Status"].pop("required")  # the branch is named after the host
    return described


if __name__ == "__main__":
    sys.stdout.write(schema_text(schema()))
