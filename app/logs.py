"""Log lines to stderr, where the journal takes them. The token is in none, not even in a library's traceback."""

from __future__ import annotations

import logging

QUIET = ("httpx", "httpx2", "huggingface_hub", "transformers")  # a line for each request, a bar for each download


class Redacting(logging.Formatter):
    def __init__(self, secret: str | None) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._secret = secret

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return line.replace(self._secret, "[redacted]") if self._secret else line


def configure(secret: str | None) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(Redacting(secret))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
