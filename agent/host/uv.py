"""Run uv, which builds the environments: where it is, what it may know, and where it keeps what it downloaded."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from ..errors import Broken, Reason
from . import command
from .command import Result

_FIXED = {
    "LC_ALL": "C",
    "NO_COLOR": "1",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_LINK_MODE": "hardlink",  # also where it would clone: by its links garbage.py knows a download that is used
}
_PATIENCE = {"UV_HTTP_TIMEOUT": "15"}
"""Seconds of silence, as pip's own. uv tries four times, so that an index which never answers is told after a minute."""
_INHERITED = (
    *(
        "HOME",
        "PATH",
        "NETRC",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "UV_SYSTEM_CERTS",
        "UV_HTTP_TIMEOUT",
        "UV_HTTP_RETRIES",
    ),
    *("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"),
    *("UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_EXTRA_INDEX_URL"),
)
_CREDENTIALS = "UV_INDEX"  # UV_INDEX itself, UV_INDEX_URL, and UV_INDEX_<NAME>_USERNAME and _PASSWORD
_FROM_PIP = {
    "UV_DEFAULT_INDEX": "PIP_INDEX_URL",
    "UV_EXTRA_INDEX_URL": "PIP_EXTRA_INDEX_URL",
    "UV_FIND_LINKS": "PIP_FIND_LINKS",
    "SSL_CERT_FILE": "PIP_CERT",
}


class Uv:
    """`environ` is the agent's own environment: uv sees paths, proxies, certificates and index settings of it, no secret
    of the app. What it downloads stays in `cache`, on the filesystem of the environments: installing is hard-linking.
    """

    def __init__(self, environ: Mapping[str, str], cache: Path) -> None:
        self._environ = environ
        self.cache = cache

    @property
    def environment(self) -> dict[str, str]:
        """What uv sees. uv does not read pip's settings, so those in the environment are handed on."""
        seen = {
            name: value
            for name, value in self._environ.items()
            if value and (name in _INHERITED or name.startswith(_CREDENTIALS))
        }
        for name, theirs in _FROM_PIP.items():
            if name not in seen and self._environ.get(theirs):
                seen[name] = self._environ[theirs]
        return {**_PATIENCE, **seen, **_FIXED, "UV_CACHE_DIR": str(self.cache)}

    def run(
        self,
        *arguments: str | Path,
        deadline: timedelta,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        tick: Callable[[], None] | None = None,
        hear: Callable[[bytes], None] | None = None,
    ) -> Result:
        """`uv ARGUMENTS`; its failure is the caller's to judge. `hear` is given what it says as it comes.

        `tick` is called about once a second; what it raises ends uv.
        """
        argv, seen = [str(self._binary()), *map(str, arguments)], {**self.environment, **(env or {})}
        return command.run(argv, deadline=deadline, env=seen, cwd=cwd, tick=tick, hear=hear)

    def _binary(self) -> Path:
        beside = Path(sys.executable).with_name("uv")
        found = str(beside) if beside.exists() else shutil.which("uv", path=self._environ.get("PATH"))
        if not found:
            hint = f"{sys.executable} -m pip install uv"
            raise Broken(Reason.BUILD_FAILED, "uv, which builds environments, is not installed", hint=hint)
        return Path(found)
