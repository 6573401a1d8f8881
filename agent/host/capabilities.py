"""What bootstrap found this VM to be and to enforce (install/enforce.sh), as it wrote it into machine.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from ..status.facts import Machine
from .sshd import LOOPBACK

_PORT = Field(ge=1, le=65535)
_ADDRESS = Field(pattern=r"^[0-9A-Fa-f:.]+(%[\w.-]+)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """`machine` is None where bootstrap has written nothing. The address and port are those people log in at."""

    machine: Machine | None = None
    ssh_address: str = LOOPBACK
    ssh_port: int = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A name that is absent is not known; one that is not known here is ignored. Memory in bytes."""

    sandbox: bool | None = None
    memory_max: bool | None = None
    cpu: bool | None = None
    cores: Annotated[int, Field(ge=1)] | None = None
    memory: Annotated[int, Field(ge=1)] | None = None
    ssh_address: Annotated[str, _ADDRESS] = LOOPBACK
    ssh_port: Annotated[int, _PORT] = 22


_FILE = TypeAdapter(_File)


def read(path: Path) -> Capabilities:
    """A file that is there and makes no sense is said in the machine's `message`, and otherwise as if it were not there."""
    try:
        found = _FILE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return Capabilities()
    except (OSError, ValidationError) as error:
        return Capabilities(machine=Machine(message=f"{path.name} {_why(error)}: run bootstrap.py again"))
    machine = Machine(
        sandbox=found.sandbox, memory_max=found.memory_max, cpu=found.cpu, cores=found.cores, memory=found.memory
    )
    return Capabilities(machine=machine, ssh_address=found.ssh_address, ssh_port=found.ssh_port)


def _why(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror})"
    first = error.errors(include_url=False, include_input=False)[0]
    return f"makes no sense ({'.'.join(map(str, first['loc'])) or 'not JSON'})"
