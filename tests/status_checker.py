"""The invariants of status.json, for use after every step of every test: `check(document, previous)`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from agent.status.redact import redact

_SCHEMA = Path(__file__).parent.parent / "docs" / "status.schema.json"
_ONLY_WHILE_TRUE = {"Reconciling", "Stalled", "FetchFailed", "RolledBack", "Suspended", "StatusPushFailed"}

Document = dict[str, Any]


@cache
def validator() -> Draft202012Validator:
    schema = json.loads(_SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def check(document: Document, previous: Document | None = None, *, secrets: frozenset[str] = frozenset()) -> None:
    """AssertionError names what does not hold. `previous` is the document before this one, from the same VM."""
    validator().validate(document)
    assert json.loads(json.dumps(document)) == document, "the document is not plain JSON"
    check_rules(document, previous, secrets=secrets)


def check_rules(document: Document, previous: Document | None = None, *, secrets: frozenset[str] = frozenset()) -> None:
    """What the schema cannot say, of a document of the right shape; much faster than the schema."""
    _check_conditions(document)
    _check_revisions(document)
    _check_rollout(document)
    _check_standing(document)
    _check_secrets(document, secrets)
    if previous:
        _check_transitions(document, previous)


def _held(document: Document) -> dict[str, Document]:
    return {each["type"]: each for each in document["conditions"]}


def _check_conditions(document: Document) -> None:
    held = _held(document)
    assert len(held) == len(document["conditions"]), "a condition is there twice"
    assert "Ready" in held, "Ready is missing"
    ready = held["Ready"]["status"]
    for name in _ONLY_WHILE_TRUE & held.keys():
        assert held[name]["status"] == "True", f"{name} exists only while true"
    assert not {"Reconciling", "Stalled"} <= held.keys(), "the agent goes on by itself, or a person is needed: not both"
    if ready == "True":
        assert held["Healthy"]["status"] == "True", "Ready without health"
        assert not held.keys() & {"Stalled", "Reconciling", "RolledBack"}, f"Ready, and {sorted(held)}"
    if "Stalled" in held:
        assert ready == "False", "Stalled is a failure"
    assert all(each["message"].strip() for each in held.values()), "a condition says nothing"
    assert document["suspend"] == ("Suspended" in held)


def _check_revisions(document: Document) -> None:
    ready, active = _held(document)["Ready"], document["activeRevision"]
    assert document["observedGeneration"] <= document["generation"]
    assert (active is None) == (document["service"] is None), "what runs has a unit, and nothing else has"
    assert document["probes"] == [] or active, "probes of nothing"
    if ready["status"] == "True" and not document["suspend"]:
        confirmed, on_trial = document["lastAppliedRevision"] == active, "; on trial for another " in ready["message"]
        assert confirmed or on_trial, "Ready, and what runs is neither confirmed nor on trial"
        assert document["sync"] == "Synced"
    if document["sync"] == "Synced":
        assert active == document["source"]["revision"]
    rejected = {each["revision"] for each in document["rejectedRevisions"]}
    rolled_back = _held(document).get("RolledBack")
    if rolled_back and rolled_back["reason"] != "Pinned":
        assert rejected, "rolled back from nothing"
    revisions = [each["revision"] for each in document["history"]]
    assert len(revisions) == len(set(revisions)), "a revision is in the history twice"


def _check_rollout(document: Document) -> None:
    rollout, ready = document["rollout"], _held(document)["Ready"]
    if ready["status"] == "True" and not document["suspend"]:
        on_trial = "; on trial for another " in ready["message"]
        assert on_trial == (rollout is not None), "Ready, and a rollout is under way, or one on trial is not told"
        assert not rollout or rollout["phase"] == "soaking", "Ready before it has soaked"
    if rollout:
        assert not document["suspend"], "suspended, and something is rolled out"
        assert rollout["since"] <= document["heartbeat"]["time"], "a stage that begins in the future"
        assert rollout["phase"] == "building" or document["service"], "a stage of nothing that runs"


def _check_standing(document: Document) -> None:
    ssh, machine = document["ssh"], document["machine"]
    if ssh:
        unknown = [name for name, value in ssh.items() if value is None and name != "message"]
        assert ssh["message"] or not unknown, f"not known, and nobody says why: {unknown}"
        assert ssh["checked"] <= document["heartbeat"]["time"], "looked at in the future"
        assert ssh["weak"] in (None, sorted(set(ssh["weak"] or ()))), "not in order"
    if machine:
        assert any(value is not None for value in machine.values()), "a machine of which nothing is said"


def _check_secrets(document: Document, secrets: frozenset[str]) -> None:
    text = json.dumps(document, ensure_ascii=False)
    for secret in secrets:
        assert secret not in text, "a secret is in the document"
    assert "@" not in document["source"]["url"].partition("://")[2] or document["source"]["url"].startswith("ssh://")
    for each in document["conditions"]:
        assert redact(each["message"], secrets) == each["message"], "a message was not redacted"


def _check_transitions(document: Document, previous: Document) -> None:
    assert document["generation"] >= previous["generation"]
    assert document["heartbeat"]["time"] >= previous["heartbeat"]["time"], "older than the one before"
    before = _held(previous)
    for name, now in _held(document).items():
        last = before.get(name)
        same = last is not None and last["status"] == now["status"]
        if same and last is not None:
            assert now["lastTransitionTime"] == last["lastTransitionTime"], f"{name} moved without a flip"
        elif last is not None:
            assert now["lastTransitionTime"] >= last["lastTransitionTime"], f"{name} flipped into the past"
    for name, count in previous["counters"].items():
        assert document["counters"][name] >= count, f"{name} counted down"
