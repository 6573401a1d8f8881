"""The Python that an environment is built on: one that is on this VM, never one that is downloaded."""

from __future__ import annotations

import platform
import re
import sys
import sysconfig
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ..errors import Broken, Reason
from . import command
from .uv import Uv

_DEADLINE = timedelta(seconds=30)
_FACTS = (
    "import platform, sys, sysconfig; "
    "print(sys.implementation.name, platform.python_version(), sysconfig.get_config_var('SOABI'))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """`abi` tells apart what cannot share compiled packages: `cpython-311-x86_64-linux-gnu`."""

    path: Path
    implementation: str
    version: str
    abi: str

    @property
    def tag(self) -> str:
        """What an environment depends on. The patch level is not in it: an upgrade of Debian's python3 keeps environments."""
        return f"{self.implementation}-{'.'.join(self.version.split('.')[:2])}-{self.abi}"


def own() -> Interpreter:
    """The interpreter this agent's own environment was made from."""
    major, minor = sys.version_info[:2]
    base = Path(sys.base_prefix) / "bin" / f"python{major}.{minor}"
    return Interpreter(
        path=base if base.exists() else Path(sys.executable),
        implementation=sys.implementation.name,
        version=platform.python_version(),
        abi=str(sysconfig.get_config_var("SOABI")),
    )


def find(request: str | None, uv: Uv) -> Interpreter:
    """The interpreter for `3.12`, `3.12.1` or `>=3.12`; without a request this agent's own. Raises Broken where there is none."""
    mine = own()
    if not request or f"{mine.version}.".startswith(f"{request}."):
        return mine
    first = {"PATH": f"{mine.path.parent}:{uv.environment.get('PATH', '')}"}  # the agent's own, where it will do
    words = ("python", "find", "--no-project", "--no-config", "--system", "--no-managed-python", request)
    found = uv.run(*words, deadline=_DEADLINE, env=first)
    if not found.ok:
        raise _missing(request, uv)
    path = Path(found.text.strip())
    facts = command.run([str(path), "-I", "-c", _FACTS], deadline=_DEADLINE)
    if not facts.ok:
        raise _missing(request, uv)
    implementation, version, abi = facts.text.split()
    return Interpreter(path=path, implementation=implementation, version=version, abi=abi)


def _missing(request: str, uv: Uv) -> Broken:
    listed = uv.run("python", "list", "--only-installed", "--no-config", deadline=_DEADLINE).text
    there = sorted({match[1] for match in re.finditer(r"^\w+-(\d+\.\d+\.\d+)", listed, re.MULTILINE)})
    wanted = re.fullmatch(r"\d+\.\d+", request)
    hint = f"sudo apt-get install python{request} python{request}-venv" if wanted else "install one of them on the VM"
    message = f"Python {request} is not on this VM; there are {', '.join(there) or 'none'}"
    return Broken(Reason.PYTHON_NOT_FOUND, message, hint=f"{hint}, or change python.version")
