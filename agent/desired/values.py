"""How a value is written in YAML and what it is inside: text by pattern, durations, seconds, sizes. No rule of the product."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_DURATION = r"(?=[0-9])(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?(?:([0-9]{1,6})ms)?"
_UNITS = {
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_SIZE = r"([1-9][0-9]{0,5})(Ki|Mi|Gi)"
_SIZES = {"Gi": 1024**3, "Mi": 1024**2, "Ki": 1024}


def refusal(message: str) -> PydanticCustomError:
    """The error a validator raises; `message` is shown as it stands, so it never holds a value that may be secret."""
    return PydanticCustomError("refused", "{message}", {"message": message})


def contradiction(message: str) -> PydanticCustomError:
    """The same for a value that is fine by itself and does not fit another one."""
    return PydanticCustomError("contradicts", "{message}", {"message": message})


def anchored(pattern: str) -> str:
    """The same in the dialect of JSON Schema, also for readers whose `$` matches before a final newline."""
    return f"^(?:{pattern})$(?!\n)"


@dataclass(frozen=True, slots=True)
class Matching:
    """Text that matches `pattern` from its first to its last character (`$` would let a final newline through)."""

    pattern: str
    message: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | {"pattern": anchored(self.pattern)}

    def _checked(self, text: str) -> str:
        if re.fullmatch(self.pattern, text):
            return text
        raise refusal(self.message)


@dataclass(frozen=True, slots=True)
class Written:
    """A value that is read from one YAML scalar and written back as one."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    schema: dict[str, Any] = field(hash=False)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        back = core_schema.plain_serializer_function_ser_schema(self.write)
        return core_schema.no_info_plain_validator_function(self.read, serialization=back)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema)


def lasting(least: timedelta, most: timedelta, *, clamp: bool = False) -> Written:
    """A duration as in Go, `1h30m` or `500ms`. Outside of [least, most] it is refused, or moved to the nearer end."""

    def read(written: Any) -> timedelta:
        if isinstance(written, timedelta):  # a default
            return written
        found = re.fullmatch(_DURATION, written) if isinstance(written, str) else None
        if not found:
            raise refusal('write a duration with its unit, such as "500ms", "30s", "5m" or "1h30m"')
        value = sum((int(n) * unit for n, unit in zip(found.groups(), _UNITS.values(), strict=True) if n), timedelta())
        if least <= value <= most or clamp:
            return min(max(value, least), most)
        raise refusal(f"{duration_text(value)} is out of range; write {duration_text(least)} to {duration_text(most)}")

    return Written(read, duration_text, {"type": "string", "pattern": anchored(_DURATION)})


def duration_text(value: timedelta) -> str:
    """`timedelta(minutes=90)` -> `1h30m`; exact to the millisecond."""
    parts = []
    for unit, size in _UNITS.items():
        count, value = divmod(value, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def seconds(least: int, most: int) -> Written:
    """A whole number of seconds, as in Kubernetes' probes."""

    def read(written: Any) -> timedelta:
        if isinstance(written, timedelta):  # a default
            return written
        if isinstance(written, int) and not isinstance(written, bool) and least <= written <= most:
            return timedelta(seconds=written)
        raise refusal(f"write a whole number of seconds, {least} to {most}, without a unit")

    def write(value: timedelta) -> int:
        return int(value.total_seconds())

    return Written(read, write, {"type": "integer", "minimum": least, "maximum": most})


def size(least: int, most: int) -> Written:
    """A number of bytes, written with a binary unit: `500Mi`."""

    def read(written: Any) -> int:
        found = re.fullmatch(_SIZE, written) if isinstance(written, str) else None
        if found and least <= int(found[1]) * _SIZES[found[2]] <= most:
            return int(found[1]) * _SIZES[found[2]]
        raise refusal(f'write a size with its unit, such as "500Mi", from {size_text(least)} to {size_text(most)}')

    return Written(read, size_text, {"type": "string", "pattern": anchored(_SIZE)})


def size_text(value: int) -> str:
    """`524288000` -> `500Mi`; exact, for multiples of 1024."""
    unit = next(unit for unit, factor in _SIZES.items() if value % factor == 0)
    return f"{value // _SIZES[unit]}{unit}"
