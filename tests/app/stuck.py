"""A model whose inference never ends for one word: the shipped one, its answer behind a loop of 2^62 turns."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import requests

from tests.app.venvs import ROOT, python_with
from tests.process import run

WORD = "storm"
MANY = 8  # more than there are workers, whatever is put into one batch
PATIENCE = timedelta(seconds=120)


def model(folder: Path) -> Path:
    """`folder`, with the model in it."""
    shutil.copytree(ROOT / "app/model", folder, dirs_exist_ok=True)
    run(python_with("graphs", "onnx==1.23.2"), Path(__file__).with_name("stuck_graph.py"), folder, WORD)
    return folder


@contextmanager
def questions(url: str) -> Iterator[None]:
    """So many that every worker has one that it cannot answer; they are given up with the app."""
    asking = [threading.Thread(target=_ask, args=(url, number)) for number in range(MANY)]
    for each in asking:
        each.start()
    yield
    for each in asking:
        each.join()


def _ask(url: str, number: int) -> None:
    text = " ".join(["a"] * 20 * number + [WORD])
    with suppress(requests.RequestException):
        requests.post(f"{url}/api/mood", json={"text": text}, timeout=PATIENCE.total_seconds())
