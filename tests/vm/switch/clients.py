"""What people use the app with, each a program of its own that keeps one session: `with using(url, folder) as clients:`"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.app.venvs import python_for
from tests.browser.chromium import chromium
from tests.process import Background

HERE = Path(__file__).parent
PLENTY = 1_000_000
CALLS = f"?call=[1-{PLENTY}]"  # curl asks one after the other, over the connection that it has


class Client:
    """Writes a line for each call: `ok` or why not."""

    def __init__(self, name: str, *argv: str | Path, folder: Path) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        self._process = Background(*argv, log=self._log)

    @property
    def calls(self) -> list[str]:
        return self._log.read_text().splitlines()

    @property
    def failed(self) -> list[str]:
        return [each for each in self.calls if each != "ok"]

    def stop(self) -> None:
        assert self._process.running, f"{self.name} has given up: {self.calls[-3:]}"
        self._process.stop()


@contextmanager
def using(url: str, folder: Path) -> Iterator[list[Client]]:
    """Gradio's client, curl on the plain API and on a page, and a tab of a browser."""
    python = python_for("onnx")
    curl = ("curl", "--silent", "--show-error", "--fail", "--max-time", "20", "--rate", "10/s", "--output", "/dev/null")
    told = ("--write-out", "%{stderr}ok\n")
    text = ("--json", '{"text": "I am terrified of the storm."}')
    with ExitStack() as until_the_end:
        clients = [
            Client("gradio_client", python, HERE / "gradio_caller.py", url, folder=folder),
            Client("curl_api", *curl, *told, *text, f"{url}/api/mood{CALLS}", folder=folder),
            Client("curl_page", *curl, *told, f"{url}/{CALLS}", folder=folder),
            Client("browser", sys.executable, HERE / "browser_caller.py", url, chromium(), folder=folder),
        ]
        for each in clients:
            until_the_end.callback(each.stop)
        yield clients
