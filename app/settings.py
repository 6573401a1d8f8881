"""What is done before anything heavy is imported: the configuration is read, and libraries are told what they read from the environment."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

from . import logs
from .config import Config, read


def prepared(environ: MutableMapping[str, str]) -> Config:
    """Raises ConfigError for a configuration that cannot work."""
    config = read(environ)
    logs.configure(config.token)
    environ.update(_for_libraries(config))
    return config


def _for_libraries(config: Config) -> dict[str, str]:
    """What gradio and the Hub's library read while they are imported: nobody is phoned, least of all at start.

    Offline, the Hub's library would refuse calls of the API as well. Else a missing file costs 23 s of retries.
    """
    offline = config.offline or Path(config.local_model).is_dir()
    return {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1" if offline and not config.token else "0",
    }
