"""Somebody who uses the app all the time: the answers that were refused are counted."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import requests

from tests.vm.product import Product

EVERY = 0.1


class Visitor:
    """`with Visitor(product) as visitor:` asks until the block ends; `failures` says what went wrong."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self.answers = 0
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()

    def _visit(self) -> None:
        while not self._leaving.wait(EVERY):
            try:
                self._product.get("/version").raise_for_status()
                self.answers += 1
            except requests.RequestException as error:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {error}")
