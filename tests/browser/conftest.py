"""One app for each mode, shared by the whole folder, and one Chromium for each file; each test has a browser tab of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect, sync_playwright

from tests.app.running import REVISION, App
from tests.app.upstream import Upstream
from tests.app.venvs import python_for
from tests.browser.chromium import SWITCHES, chromium
from tests.browser.visit import Visit
from tests.standin import TOKEN, standing_in

Start = Callable[..., App]
Visiting = Callable[..., Visit]
Context = Callable[..., BrowserContext]

# A second name, for a page without https: only 127.0.0.1 and localhost are secure without.
MOOD_TEST = "--host-resolver-rules=MAP mood.test 127.0.0.1"
ABOUT = {"REVISION": REVISION, "REPOSITORY_URL": "git@github.com:me/mood.git", "STATUS_BRANCH": "status/vm-1"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Until the file ends: while it is open Playwright's event loop runs in this thread, and no other file's can."""
    path = chromium()
    with sync_playwright() as playwright:
        expect.set_options(timeout=30_000)  # a busy machine is not a failure
        browser = playwright.chromium.launch(executable_path=path, args=[*SWITCHES, MOOD_TEST])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Context:
    """context(phone=True, color_scheme="dark"): one for each kind of visitor, so that what was loaded once is cached."""

    @cache
    def of(*, phone: bool = False, **options: Any) -> BrowserContext:
        size: ViewportSize = {"width": 390, "height": 844} if phone else {"width": 1200, "height": 900}
        return browser.new_context(viewport=size, is_mobile=phone, has_touch=phone, locale="en-GB", **options)

    return of


@pytest.fixture
def visiting(context: Context) -> Iterator[Visiting]:
    """visiting(url, phone=True, color_scheme="dark"): a new tab there. When the test ends none may have asked another
    host for anything, nor complained."""
    with ExitStack() as until_the_end:

        def visit(url: str | None = None, **options: Any) -> Visit:
            tab = Visit(context(**options).new_page())
            until_the_end.callback(tab.clean)
            until_the_end.callback(tab.page.close)
            return tab.open(url) if url else tab

        yield visit


@pytest.fixture(scope="session")
def python() -> Path:
    return python_for("onnx")


@pytest.fixture(scope="module")
def start(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """start(on=None, **environment): an app of its own; it ends with the file's tests, for an idle one takes 4 % of a core."""
    with _starting(python, tmp_path_factory) as begin:
        yield begin


@pytest.fixture(scope="session")
def start_for_all(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with _starting(python, tmp_path_factory) as begin:
        yield begin


@contextmanager
def _starting(python: Path, folders: pytest.TempPathFactory) -> Iterator[Start]:
    with ExitStack() as until_the_end:

        def begin(*, on: App | None = None, **environment: str) -> App:
            app = App(python, folders.mktemp("app"), on=on, **ABOUT, **environment)
            until_the_end.callback(app.close)
            return app

        yield begin


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with standing_in(tmp_path_factory.mktemp("standin") / "log") as url:
        yield url


@pytest.fixture(scope="module")
def service() -> Iterator[Upstream]:
    """The API, as a test wants it to be."""
    made = Upstream()
    yield made
    made.close()


@pytest.fixture(scope="session")
def local_app(start_for_all: Start) -> App:
    return start_for_all().ready()


@pytest.fixture(scope="session")
def api_app(start_for_all: Start, standin: str) -> App:
    """It could answer locally as well: the two can be compared."""
    return start_for_all(MODE="api", API_URL=standin, HF_TOKEN=TOKEN).ready()


@pytest.fixture(scope="session", params=["local", "api"])
def app(request: pytest.FixtureRequest) -> App:
    """In both modes."""
    return request.getfixturevalue(f"{request.param}_app")
