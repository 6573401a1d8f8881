"""A model that hangs is cured by the service manager: the app comes back by itself, and answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from agent.observed import Phase
from agent.paths import locate
from tests.app import stuck
from tests.app.venvs import ROOT
from tests.contract.harness import process_of
from tests.contract.real import VENV, RealHarness
from tests.ports import LOOPBACK, free_port
from tests.waiting import wait_for

pytestmark = pytest.mark.app
SOON = timedelta(seconds=90)


@pytest.fixture
def real(tmp_path: Path, onnx_python: Path) -> Iterator[RealHarness]:
    """The embedded supervisor; tests/contract holds systemd to the same word (WATCHDOG=trigger)."""
    environ = os.environ | {"GITOPS_VM_HOME": str(tmp_path / "home"), "GITOPS_VM_SUPERVISOR": "embedded"}
    venv = locate(environ, uid=os.getuid()).venv(VENV)
    venv.parent.mkdir(parents=True)
    venv.symlink_to(onnx_python.parents[1])
    harness = RealHarness(environ)
    yield harness
    harness.end()


def test_a_model_that_hangs_is_restarted_and_answers_again(real: RealHarness, tmp_path: Path) -> None:
    port, model = free_port(), stuck.model(tmp_path / "model")
    release = real.make_release(exec=None, asgi="app.asgi:app", port=port, watchdog="3s", env={"MODEL": str(model)})
    (real.paths.tree(release.id) / "app").symlink_to(ROOT / "app")
    real.make_current(release)
    real.services.install(release)
    real.services.start(release)
    url = f"http://{LOOPBACK}:{port}"
    wait_for(lambda: requests.get(f"{url}/readyz", timeout=5).ok, "readiness", within=SOON, unless=(OSError,))

    with stuck.questions(url):
        wait_for(lambda: (found := process_of(real, release)) and found.restarts == 1, "a restart", within=SOON)
    ended = process_of(real, release)
    assert ended
    assert ended.exit == "missed its watchdog and was ended"

    label = wait_for(lambda: _label(url, "I am so happy today!"), "an answer", within=SOON, unless=(OSError,))
    assert label == "joy"
    assert (found := process_of(real, release))
    assert (found.phase, found.restarts) == (Phase.RUNNING, 1)


def _label(url: str, text: str) -> str:
    """Empty while it cannot say."""
    return requests.post(f"{url}/api/mood", json={"text": text}, timeout=5).json().get("label", "")
