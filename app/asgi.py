"""The app as servers load it: `asgi: app.asgi:app` in desired-state.yaml, `uvicorn app.asgi:app` anywhere.

A configuration that cannot work ends the process with exit code 78 (sysexits.h), before anything heavy is imported.
"""

from __future__ import annotations

import os
import sys

from .config import Config, ConfigError
from .sd import ServiceManager
from .settings import prepared

EX_CONFIG = 78

manager = ServiceManager(os.environ)


def accepted_config() -> Config:
    try:
        return prepared(os.environ)
    except ConfigError as error:
        manager.status(f"refused: {error}")
        sys.stderr.write(f"app: {error}\n")
        raise SystemExit(EX_CONFIG) from None


config = accepted_config()

from .life import App  # noqa: E402 - only now

app = App(config, manager)
