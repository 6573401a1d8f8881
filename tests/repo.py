"""Git repositories as people use them: a bare one to push to, and a clone to work in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from tests.process import run

ALONE = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}
"""The environment of every git command of the tests: this machine's git settings and credentials stay out."""


def bare_repository(path: Path, branch: str = "main") -> Path:
    """An empty bare repository whose HEAD is `branch`."""
    run("git", "init", "--quiet", "--bare", f"--initial-branch={branch}", path, env=ALONE)
    return path


class Repo:
    """A clone with a working tree. Commands run as Ada, with `environment` on top of ALONE."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self._environment = {**ALONE, **environment}

    @classmethod
    def clone(cls, url: str | Path, into: Path, environment: Mapping[str, str] | None = None) -> Repo:
        repo = cls(into, environment or {})
        run("git", "clone", "--quiet", "--", url, into, env=repo._environment)
        return repo

    def git(self, *arguments: str | Path, within: timedelta = timedelta(minutes=1)) -> str:
        """What `git ARGUMENTS` printed, without the last newline. Raises Failed."""
        return run("git", "-C", self.path, *arguments, env=self._environment, within=within).removesuffix("\n")

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, message: str, files: Mapping[str, str | bytes] | None = None) -> str:
        """Commit `files` and every other change in the tree, nothing changed included; the new revision, 40 hex digits."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.head

    def push(self, *arguments: str) -> None:
        """Push HEAD to the branch of the same name, or what `arguments` say ("--force", "origin", "main:main")."""
        self.git("push", "--quiet", *(arguments or ("origin", "HEAD")))

    def deploy(self, message: str, files: Mapping[str, str | bytes] | None = None) -> str:
        """Commit and push; the revision pushed."""
        revision = self.commit(message, files)
        self.push()
        return revision

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def remote_head(self, ref: str) -> str | None:
        """The revision `ref` (main, or refs/tags/v1) names at the remote now; None when it does not exist."""
        answer = self.git("ls-remote", "origin", ref if ref.startswith("refs/") else f"refs/heads/{ref}")
        return answer.split()[0] if answer else None

    def log(self, branch: str) -> list[str]:
        """The subjects of the remote's branch, newest first, fetched now."""
        self._fetch(branch)
        return self.git("log", "--format=%s", "FETCH_HEAD").splitlines()

    def show(self, branch: str, path: str) -> str:
        """A file of the remote's branch, fetched now, to the byte."""
        self._fetch(branch)
        return run("git", "-C", self.path, "show", f"FETCH_HEAD:{path}", env=self._environment)

    def _fetch(self, branch: str) -> None:
        self.git("fetch", "--quiet", "origin", f"refs/heads/{branch}")
