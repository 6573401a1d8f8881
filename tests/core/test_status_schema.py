"""docs/status.schema.json and docs/status.md keep step with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import ValidationError

from agent.conditions import Type
from agent.errors import Reason
from agent.status.advance import REMEMBERED, advance
from agent.status.document import MOST_REJECTED, document
from agent.status.memory import Memory
from tests.reports import well
from tests.status_checker import check, validator
from tests.status_facts import FACTS

PAGE = (Path(__file__).parent.parent.parent / "docs" / "status.md").read_text()


def told() -> dict[str, Any]:
    return document(well(), advance(Memory(), well()), FACTS)


def test_the_schema_lists_exactly_the_reasons_and_types_of_the_code():
    definitions = validator().schema["$defs"]
    assert definitions["reason"]["enum"] == [reason.value for reason in Reason]
    assert definitions["condition"]["properties"]["type"]["enum"] == [kind.value for kind in Type]
    properties = validator().schema["properties"]
    assert (properties["history"]["maxItems"], properties["rejectedRevisions"]["maxItems"]) == (
        REMEMBERED,
        MOST_REJECTED,
    )


def test_every_field_and_condition_is_described_in_the_docs():
    rows = "\n".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `"))
    described = set(re.findall(r"`(\w+)`", rows))
    assert told().keys() <= described
    assert {kind.value for kind in Type} <= described


def test_the_schema_refuses_a_document_with_a_field_more_or_less():
    for name in told():
        with pytest.raises(ValidationError):
            validator().validate({key: value for key, value in told().items() if key != name})
    with pytest.raises(ValidationError):
        validator().validate(told() | {"more": 1})


@pytest.mark.parametrize("damage", [
    {"sync": "Fine"}, {"activeRevision": "4f2c9d1a"}, {"generation": -1}, {"conditions": []},
    {"heartbeat": {"time": "2026-11-23 09:00", "interval": "1h"}}, {"heartbeat": {"time": "2026-11-23T09:00:00Z", "interval": ""}},
    {"ssh": told()["ssh"] | {"passwordAuthentication": "no"}}, {"ssh": told()["ssh"] | {"message": ""}},
    {"ssh": told()["ssh"] | {"weak": ["hmac-sha1", "hmac-sha1"]}}, {"machine": told()["machine"] | {"cores": 0}},
    {"machine": {}}, {"machine": told()["machine"] | {"memoryMax": "yes"}},
])  # fmt: skip
def test_the_schema_refuses_what_no_agent_writes(damage: dict[str, Any]):
    with pytest.raises(ValidationError):
        validator().validate(told() | damage)


ROLLOUT = {"phase": "soaking", "revision": told()["activeRevision"], "since": "2026-11-23T09:00:00Z", "message": "x"}


def _with(kind: str, **fields: Any) -> dict[str, Any]:
    """The usual document with one condition changed, or added."""
    usual = told()
    others = [each for each in usual["conditions"] if each["type"] != kind]
    known = next((each for each in usual["conditions"] if each["type"] == kind), usual["conditions"][0])
    return usual | {"conditions": [*others, {**known, "type": kind, **fields}]}


@pytest.mark.parametrize("lie", [
    _with("Healthy", status="False"), _with("Stalled", status="True"), _with("Suspended", status="True"), _with("Reconciling", status="False"),
    _with("Ready", message=" "), _with("Ready", message="token ghp_" + "a" * 36), told() | {"sync": "OutOfSync"},
    told() | {"activeRevision": None}, told() | {"lastAppliedRevision": None}, told() | {"generation": 0},
    told() | {"source": told()["source"] | {"url": "https://ada:pw@example.org/mood"}}, told() | {"history": told()["history"] * 2},
    told() | {"rollout": ROLLOUT}, _with("Ready", message="it runs; on trial for another 9 s"), told() | {"rollout": ROLLOUT | {"phase": "building"}},
    told() | {"ssh": told()["ssh"] | {"passwordAuthentication": None}}, told() | {"ssh": told()["ssh"] | {"checked": "2027-01-01T00:00:00Z"}},
    told() | {"ssh": told()["ssh"] | {"weak": ["b", "a"]}}, told() | {"machine": dict.fromkeys(told()["machine"])},
])  # fmt: skip
def test_the_checker_finds_each_lie(lie: dict[str, Any]):
    validator().validate(lie)
    with pytest.raises(AssertionError):
        check(lie)


@pytest.mark.parametrize("change", [
    _with("Ready", lastTransitionTime="2026-11-23T09:00:01Z"), told() | {"counters": dict.fromkeys(told()["counters"], 0)},
    told() | {"heartbeat": {"time": "2026-11-23T08:00:00Z", "interval": "1h"}},
], ids=["moved without a flip", "counted down", "older"])  # fmt: skip
def test_the_checker_compares_with_the_document_before(change: dict[str, Any]):
    before = told() | {"counters": dict.fromkeys(told()["counters"], 1)}
    check(before, before)
    with pytest.raises(AssertionError):
        check(change, before)
