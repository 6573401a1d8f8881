"""Images are built once and whole, whatever happens to the run that builds them."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.process import Background
from tests.vm import hostsettings, image
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
A_RUN = "from tests.vm import image, test_image; image.built(test_image.small(), print)"


def small() -> image.Recipe:
    """One package unpacked: whole in seconds."""
    return image.Recipe(
        suite="bookworm",
        variant="extract",
        packages=("base-files",),
        set_up="true",
        sources=tuple(hostsettings.apt_sources("bookworm")),
        apt_options=tuple(hostsettings.apt_options()),
    )


def test_a_build_that_was_killed_is_begun_anew_and_a_finished_one_is_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITOPS_VM_TEST_CACHE", str(tmp_path / "cache"))
    images, wanted = tmp_path / "cache" / "images", small()
    killed = Background(sys.executable, "-c", A_RUN, log=tmp_path / "log", env={**os.environ, "PYTHONPATH": str(ROOT)})
    wait_for(lambda: list(images.glob("*.unfinished/var/lib")), "the build to be under way")
    os.kill(killed.pid, signal.SIGKILL)
    wait_for(lambda: not killed.running, "the end of the run")
    assert not (images / wanted.name).exists()

    said: list[str] = []
    tree = image.built(wanted, said.append)

    assert (tree / "etc/debian_version").is_file()
    assert not list(images.glob("*.unfinished"))
    assert any("success" in line for line in said)
    said.clear()
    assert image.built(wanted, said.append) == tree
    assert said == []


def test_a_build_that_fails_says_why_and_leaves_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPS_VM_TEST_CACHE", str(tmp_path / "cache"))
    wanted = replace(small(), sources=("deb file:/nowhere bookworm main",))
    with pytest.raises(RuntimeError, match="file:/nowhere"):
        image.built(wanted, print)
    assert not (tmp_path / "cache" / "images" / wanted.name).exists()


def test_another_recipe_is_another_image() -> None:
    assert image.recipe("bookworm", bare=True).name != image.recipe("bookworm", bare=False).name
    assert image.recipe("bookworm", bare=True).name == image.recipe("bookworm", bare=True).name
