"""`python -m app`, from the root of the repository: the app on your own machine. On a VM the agent's launcher serves app.asgi:app."""

from __future__ import annotations

import os
import sys

import uvicorn

from .asgi import EX_CONFIG, app

LAST_PORT = 65535
PATIENCE = 2  # seconds after Ctrl-C, for what is in flight; open tabs would be waited for for ever

if __name__ == "__main__":
    port = os.environ.get("PORT", "7860")
    if not port.isdecimal() or int(port) > LAST_PORT:
        sys.stderr.write(f"app: PORT={port!r} is not a port; write a number from 1 to {LAST_PORT}\n")
        sys.exit(EX_CONFIG)
    uvicorn.run(
        app,
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(port),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=PATIENCE,
    )
