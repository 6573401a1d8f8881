"""What this machine's package tools are set to, read when the tests run, so that a machine under test reaches packages
the way its host does. Nothing of it is ever written into the project."""

from __future__ import annotations

import ast
import os
import platform
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.process import Failed, run

CARRIED = re.compile(
    r"(?i:(http|https|ftp|all|no)_proxy)|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|GIT_SSL_CAINFO"
    r"|UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS)"
)
"""The environment variables a machine gets; pip's own (PIP_*) come in its /etc/pip.conf."""


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if CARRIED.fullmatch(name)}


@cache
def pip_settings() -> dict[str, str]:
    """`pip config list` with the environment on top, as pip itself reads them; empty without pip."""
    try:
        listed = run(sys.executable, "-m", "pip", "config", "list")
    except Failed:
        return {}
    found: dict[str, dict[str, str]] = {"global": {}, ":env:": {}}
    for section, name, value in re.findall(r"(?m)^(global|:env:)\.(\S+?)=(.*)$", listed):
        found[section][name] = ast.literal_eval(value)
    return {**found["global"], **found[":env:"]}


def pip_conf() -> str:
    """The text of an /etc/pip.conf with the same settings."""
    lines = [f"{name} = {' '.join(value.split())}\n" for name, value in pip_settings().items()]
    return "[global]\n" + "".join(lines)


def shared_folders() -> list[Path]:
    """The local folders that pip and uv find packages in, to be seen at the same place inside a machine."""
    folders = set(_paths("index|links"))
    # The pages of a local index ("simple") link to files beside it.
    return sorted({folder.parent if folder.name == "simple" else folder for folder in folders if folder.is_dir()})


def named_files() -> list[Path]:
    """The files that the settings name (constraints, certificates): without them pip refuses to start."""
    return sorted(path for path in set(_paths("")) if path.is_file())


def _paths(names: str) -> Iterator[Path]:
    """Of the settings called like `names` (a regular expression), every local path."""
    settings = {**pip_settings(), **environment()}
    for word in " ".join(value for name, value in settings.items() if re.search(names, name.lower())).split():
        if word.startswith(("/", "file:///")):
            yield Path(word.removeprefix("file://"))


def apt_sources(suite: str) -> list[str]:
    """This host's Debian mirrors as `deb` lines for `suite`; empty on a host that is no Debian (mmdebstrap then uses its
    own default)."""
    release = platform.freedesktop_os_release()
    if release["ID"] != "debian":
        return []
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    ours = re.compile(rf"(\S+) {release['VERSION_CODENAME']}((?:-updates|-security)?) (main)")
    return sorted({f"deb {uri} {suite}{pocket} {component}" for uri, pocket, component in ours.findall(listed)})


def apt_options() -> list[str]:
    """How this host's apt gets through: proxies, certificates, and what it checks of a mirror's dates."""
    listed = run("apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', "Acquire")
    return re.findall(r"(?m)^Acquire::(?:https?::|Check-|Retries|ForceIPv).*$", listed)
