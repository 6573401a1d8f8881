"""What every map in one of our files has in common."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Strict(BaseModel):
    """A map: camelCase keys, no unknown ones, nothing converted, immutable."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )

    more_keys: ClassVar[tuple[str, ...]] = ()
    """Keys that are read before the map is validated, and are known all the same."""
