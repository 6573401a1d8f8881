"""`python -m app`, from the root of the repository: the app on your own machine. On a VM the agent's launcher serves app.asgi:app."""

# ruff: noqa: PLC0415 - what cannot be meant is refused before anything heavy is imported

from __future__ import annotations

import os
import sys

LAST_PORT = 65535
EX_CONFIG = 78  # as in app.asgi


def main() -> int:
    port = os.environ.get("PORT", "7860")
    if not port.isdecimal() or int(port) > LAST_PORT:
        sys.stderr.write(f"app: PORT={port!r} is not a port; write a number from 1 to {LAST_PORT}\n")
        return EX_CONFIG
    from .asgi import app  # it reads the configuration
    from .serving import serve

    return serve(app, os.environ.get("HOST", "127.0.0.1"), int(port))


if __name__ == "__main__":
    sys.exit(main())
