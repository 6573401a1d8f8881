"""The JSON Schema that editors use. `python -m agent.desired.schema > docs/desired-state.schema.json`.

It says what a file looks like. What it cannot say (a watchdog needs notify, a mode must be described) only `parse` checks.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from .base import Strict
from .layers import HOSTS, MODES, Kind
from .model import Spec
from .values import anchored

Schema = dict[str, Any]

_PARTIAL = "Partial"


def schema_text(schema: Schema) -> str:
    """A schema as it is committed."""
    return json.dumps(schema, indent=2) + "\n"


def schema_of(model: type[Strict], title: str) -> Schema:
    """The schema of a file that holds a `model`."""
    # In this mode pydantic writes defaults as they stand in YAML: "15s", not PT15S.
    schema = _tidied(model.model_json_schema(mode="serialization"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def desired_state() -> Schema:
    """The schema of desired-state.yaml, with `modes` and `hosts`."""
    schema = schema_of(Spec, "desired-state.yaml of gitops-vm")
    properties, definitions = schema["properties"], schema["$defs"]
    properties["suspend"]["anyOf"] = [{"type": "boolean"}, {"$ref": properties["suspend"].pop("$ref")}]
    definitions[f"Service{_PARTIAL}"] = {
        key: value for key, value in definitions["Service"].items() if key != "required"
    }
    properties["modes"] = _parts(MODES, properties, "What differs in one mode, merged over the rest.")
    properties["hosts"] = _parts(HOSTS, properties, "What differs on one VM, by its name in source.yaml, merged last.")
    return schema


def _parts(kind: Kind, properties: Schema, description: str) -> Schema:
    held = {key: properties[key] for key in kind.holds} | {"service": {"$ref": f"#/$defs/Service{_PARTIAL}"}}
    part = {"type": "object", "additionalProperties": False, "properties": held}
    return {
        "type": "object",
        "description": description,
        "maxProperties": kind.most,
        "patternProperties": {anchored(kind.name): part},
        "additionalProperties": False,
    }


def _tidied(schema: Any) -> Any:
    """Without titles made of names, and without null: what is absent is not written."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _tidied(item) for key, item in schema.items() if not (key == "title" and isinstance(item, str))}
    if isinstance(kept.get("default", ""), dict | type(None)):
        del kept["default"]
    present = [item for item in kept.get("anyOf", ()) if item != {"type": "null"}]
    return {**{key: item for key, item in kept.items() if key != "anyOf"}, **present[0]} if len(present) == 1 else kept


if __name__ == "__main__":
    sys.stdout.write(schema_text(desired_state()))
