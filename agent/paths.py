"""Where everything is on this VM. Two roots: what somebody wrote (config) and what can be made again or was learned (data)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .names import ReleaseId, VenvId


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """All absolute. `runtime` is gone after a reboot and short enough for a Unix socket's 107 bytes."""

    config: Path
    data: Path
    runtime: Path
    units: Path  # where the service manager reads user units

    # config: written by bootstrap
    @property
    def source(self) -> Path:
        return self.config / "source.yaml"

    @property
    def known_hosts(self) -> Path:
        return self.config / "known_hosts"

    @property
    def deploy_key(self) -> Path:
        return self.config / "deploy_key"

    @property
    def credentials(self) -> Path:
        """For https remotes: one line `user:token`, mode 0600."""
        return self.config / "credentials"

    @property
    def status_key(self) -> Path:
        """For the repository that `status.url` names, instead of the deploy key."""
        return self.config / "status_key"

    @property
    def status_credentials(self) -> Path:
        """The same for https."""
        return self.config / "status_credentials"

    @property
    def environment(self) -> Path:
        """KEY=value lines for the app, mode 0600: HF_TOKEN and the like."""
        return self.config / "env"

    # data: made by the agent
    @property
    def mirrors(self) -> Path:
        return self.data / "mirrors"

    @property
    def releases(self) -> Path:
        return self.data / "releases"

    @property
    def venvs(self) -> Path:
        return self.data / "venvs"

    @property
    def packages(self) -> Path:
        """What uv has downloaded."""
        return self.data / "cache" / "uv"

    @property
    def models(self) -> Path:
        """What was fetched from the model hub, shared by all releases."""
        return self.data / "models"

    @property
    def current(self) -> Path:
        return self.data / "current"

    @property
    def state(self) -> Path:
        return self.data / "state"

    @property
    def requests(self) -> Path:
        """A file that is touched here wakes the agent: it asks the remotes and makes a pass at once."""
        return self.state / "requests"

    @property
    def ends(self) -> Path:
        """A file that is touched here wakes the agent, which asks nobody: a build has ended."""
        return self.state / "ends"

    @property
    def stopped(self) -> Path:
        """Exists while the app is to stay stopped on this VM."""
        return self.state / "stopped"

    @property
    def paused(self) -> Path:
        """Who suspended the agent on this VM, and why (JSON)."""
        return self.state / "paused.json"

    @property
    def readiness(self) -> Path:
        """How often in a row the daemon found the app unready; absent while it is ready."""
        return self.state / "readiness.json"

    @property
    def liveness(self) -> Path:
        """The same of its liveness."""
        return self.state / "liveness.json"

    @property
    def build(self) -> Path:
        """What is known of what is being made now: an environment, models."""
        return self.runtime / "build"

    @property
    def outbox(self) -> Path:
        return self.state / "outbox"

    def release(self, release: ReleaseId) -> Path:
        """The directory of a release: `tree/` and `release.json`."""
        return self.releases / release

    def tree(self, release: ReleaseId) -> Path:
        return self.release(release) / "tree"

    def launcher(self, release: ReleaseId) -> Path:
        """The program that serves the app, or has it served: a copy of its own, as immutable as the release."""
        return self.release(release) / "launcher"

    @property
    def launched(self) -> Path:
        """The private directories of the launched releases."""
        return self.runtime / "launched"

    def hub(self, release: ReleaseId) -> Path:
        """The models of a release as Hugging Face's libraries keep them: hard links into `models`."""
        return self.release(release) / "hub"

    def private(self, release: ReleaseId) -> Path:
        """Where its launcher is asked how the app is, and told to accept or to rest."""
        return self.launched / release

    def mirror(self, url: str) -> Path:
        """Where the repository at `url` is kept: one mirror for all its refs."""
        import hashlib  # noqa: PLC0415 - the daemon, which never asks for it, would load OpenSSL: 4 MB

        return self.mirrors / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.git"

    def venv(self, venv: VenvId) -> Path:
        return self.venvs / venv


def locate(environ: Mapping[str, str], *, uid: int) -> Paths:
    """`GITOPS_VM_HOME` puts everything below one directory (the demo does); else the XDG directories of this user."""
    home = Path(environ.get("HOME", "/"))
    units = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "systemd" / "user"
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}")
    if root := environ.get("GITOPS_VM_HOME"):
        top = Path(root).absolute()
        return Paths(config=top / "config", data=top, runtime=top / "run", units=units)
    return Paths(
        config=Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "gitops-vm",
        data=Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "gitops-vm",
        runtime=runtime / "gitops-vm",
        units=units,
    )


def watch_state(environ: Mapping[str, str]) -> Path:
    """Where `watch` remembers what it has told, on whatever machine it runs."""
    home = Path(environ.get("HOME", "/"))
    return Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "gitops-vm" / "watch"
