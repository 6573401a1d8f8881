"""What bootstrap.py says to try next fits the app that was deployed, whoever's it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import bootstrap
from agent.paths import locate
from tests.bootstrap.installed import installed
from tests.process import run
from tests.repo import Repo, bare_repository

PLAIN = "apiVersion: gitops-vm/v1\napp: celsius\nservice: {exec: python app.py, port: 8010}\n"
MODES = f"{PLAIN}mode: small\nmodes:\n  small: {{}}\n  large: {{service: {{env: {{SIZE: large}}}}}}\n"
EXAMPLE = (bootstrap.HERE / "desired-state.yaml").read_text()


def told(root: Path, declared: str, *, mode: str, url: str = "", path: str = "desired-state.yaml") -> None:
    """What is shown once the app of such a file is ready; `url` is what its repository is called."""
    bare = bare_repository(root / "celsius.git")
    setup = installed(root / "vm", "--path", path)
    repo = bootstrap.repository(url or str(bare), local=True)
    setup.declare(repo)
    revision = Repo.clone(bare, root / "clone").deploy("first", {path: declared})
    mirror = locate({"GITOPS_VM_HOME": str(root / "vm")}, uid=os.getuid()).mirror(repo.url)
    run("git", "clone", "--quiet", "--mirror", bare, mirror)
    status: dict[str, Any] = {"app": "mood", "mode": mode, "activeRevision": f"main@sha1:{revision}"}
    bootstrap.show(setup, repo, status)


def test_an_app_without_modes_is_not_told_of_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told(tmp_path, PLAIN, mode="", url="git@github.com:me/celsius.git")
    said = capfd.readouterr().out
    assert "  git clone -b main git@github.com:me/celsius.git celsius && cd celsius\n" in said
    assert "another mode" not in said
    assert "HF_TOKEN" not in said
    assert "mood" not in said


def test_an_app_with_modes_is_told_of_one_it_has(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told(tmp_path, MODES, mode="small", path="deploy/state.yaml")
    said = capfd.readouterr().out
    assert "another mode: set `mode: large` in deploy/state.yaml, commit, push\n" in said
    assert f"{tmp_path}/celsius.git mood && cd mood\n" in said  # on this disk a repository may be called anything


def test_the_example_is_told_of_mode_api_and_its_token(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told(tmp_path, EXAMPLE, mode="local")
    said = capfd.readouterr().out
    assert "set `mode: api` in desired-state.yaml, commit, push (give HF_TOKEN to bootstrap.py first)\n" in said


def test_where_the_agent_has_no_copy_of_the_repository_no_mode_is_made_up(tmp_path: Path) -> None:
    setup = installed(tmp_path)
    nowhere = f"main@sha1:{'0' * 40}"
    assert setup.modes(nowhere)[1] == set()
    setup.declare(bootstrap.repository("git@github.com:me/celsius.git", local=False))
    assert setup.modes(nowhere)[1] == set()
    assert setup.modes("")[1] == set()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@github.com:me/celsius.git", "celsius"),
        ("ssh://git@example.org:2222/celsius", "celsius"),
        ("example.org:celsius.git", "celsius"),
        ("https://example.org/a/b/celsius.git/", "celsius"),
    ],
)
def test_a_clone_is_called_as_git_would_call_it(url: str, name: str) -> None:
    assert bootstrap._folder(bootstrap.repository(url, local=False), {"app": "mood"}) == name
