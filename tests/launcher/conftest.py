from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.app.venvs import python_for, python_with
from tests.launcher.stage import Stage
from tests.process import Failed, run


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def web_python() -> Path:
    """FastAPI, Flask and a library for web sockets, and no server at all."""
    return python_with("web", "fastapi==0.165.0", "flask==3.1.3", "websockets==15.0.1")


@pytest.fixture(scope="session")
def own_python() -> Path:
    """An app with a server of its own, older than ours, and its fast parts."""
    return python_with("own", "fastapi==0.165.0", "uvicorn==0.30.6", "httptools")


@pytest.fixture(scope="session")
def oldest_python() -> Path:
    """Flask, with nothing the launcher could use, under the oldest Python that an app may have, 3.10, or where it is not
    installed the oldest there is: that the launcher's words are all known to 3.10, `make check` asks mypy."""
    installed = Path.home().glob(".pyenv/versions/3.10.*/bin/python3.10")  # pyenv's own python3.10 need not start
    for interpreter in (*map(str, installed), "python3.10", "python3.11"):
        with suppress(Failed, OSError):
            run(interpreter, "-VV")
            return python_with("oldest", "flask==3.1.3", interpreter=interpreter)
    return python_with("oldest", "flask==3.1.3", interpreter=sys.executable)


@pytest.fixture(scope="session")
def gradio_python() -> Path:
    return python_for("api")
