"""What a program finds in its environment, the same wherever the supervisor was started from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from ...unit import Unit

_BASE = (
    *("HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
)


def base(environ: Mapping[str, str]) -> dict[str, str]:
    """What is handed on of the environment in which somebody happened to start the supervisor."""
    return {name: environ[name] for name in _BASE if name in environ}


def compose(environ: Mapping[str, str], unit: Unit) -> dict[str, str]:
    """As systemd does: the manager's own, then the unit's, then its file's. Raises OSError for a file it cannot read."""
    composed = {**base(environ), **unit.env, **_file(Path(unit.env_file))}
    if unit.watchdog:
        composed["WATCHDOG_USEC"] = str(unit.watchdog // timedelta(microseconds=1))
    return composed


def _file(path: Path) -> dict[str, str]:
    """KEY=value lines, `#` and `;` begin a comment, one pair of quotes around a value goes (of EnvironmentFile=, what is used)."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith(("#", ";")))
    return {name.rstrip(): _unquoted(value.lstrip()) for name, _, value in pairs}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
