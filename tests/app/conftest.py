"""One running app for each backend, shared by the tests of a file that only ask; and a way to start others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.app.running import REVISION, App
from tests.app.upstream import Upstream
from tests.app.venvs import python_for
from tests.standin import TOKEN, standing_in

Start = Callable[..., App]


@pytest.fixture(scope="session")
def onnx_python() -> Path:
    return python_for("onnx")


@pytest.fixture(scope="session")
def torch_python() -> Path:
    return python_for("local")


@pytest.fixture(scope="session")
def api_python() -> Path:
    return python_for("api")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """start(python, **options of App): an app that ends with the test."""
    with ExitStack() as until_the_end:

        def begin(python: Path, **options: Any) -> App:
            app = App(python, tmp_path, **options)
            until_the_end.callback(app.close)
            return app

        yield begin


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    service = Upstream()
    yield service
    service.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Like `start`, for apps that live as long as the tests of one file: an idle one costs what the others need."""
    with ExitStack() as until_the_end:

        def begin(python: Path, **environment: str) -> App:
            app = App(python, tmp_path_factory.mktemp("shared"), REVISION=REVISION, **environment)
            until_the_end.callback(app.close)
            return app.ready()

        yield begin


@pytest.fixture(scope="module")
def onnx_app(shared: Start, onnx_python: Path) -> App:
    return shared(onnx_python)


@pytest.fixture(scope="module")
def torch_app(shared: Start, torch_python: Path) -> App:
    return shared(torch_python)


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The url of the demo's stand-in."""
    with standing_in(tmp_path_factory.mktemp("standin") / "log") as url:
        yield url


@pytest.fixture(scope="module")
def api_app(shared: Start, api_python: Path, standin: str) -> App:
    return shared(api_python, MODE="api", API_URL=standin, HUGGING_FACE_TOKEN=f"{TOKEN}\n")
