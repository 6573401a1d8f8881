"""`python -m app`, from the root of the repository: the app on your own machine. On a VM the agent's launcher serves app.asgi:app."""

from __future__ import annotations

import os

import uvicorn

from .asgi import app

PATIENCE = 2  # seconds after Ctrl-C, for what is in flight; open tabs would be waited for for ever

if __name__ == "__main__":
    uvicorn.run(
        app,
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "7860")),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=PATIENCE,
    )
