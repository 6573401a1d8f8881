from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from agent import source, strict_yaml
from agent.desired import InvalidSpec, parse, schema

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "desired-state.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
STATES, SOURCES = [block for block in BLOCKS if "app:" in block], [block for block in BLOCKS if "\nhost:" in block]
SMALLEST = "apiVersion: gitops-vm/v1\napp: mood\nservice:\n  exec: python -m app\n  port: 8010\n"


def objections(described: dict[str, object], text: str) -> list[str]:
    written = json.loads(json.dumps(strict_yaml.load(text.encode(), file="f")[0].plain()))
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(described).iter_errors(written)]


@pytest.mark.parametrize(
    ("name", "described", "command"),
    [
        ("desired-state.schema.json", schema.desired_state(), "python -m agent.desired.schema"),
        ("source.schema.json", source.schema(), "python -m agent.source"),
    ],
)
def test_the_committed_schema_is_that_of_the_code(name: str, described: dict[str, object], command: str):
    Draft202012Validator.check_schema(described)
    assert (DOCS / name).read_text() == schema.schema_text(described), f"type: {command} > docs/{name}"


def test_our_own_file_is_read_for_both_modes_and_its_first_line_names_the_schema():
    text = (ROOT / "desired-state.yaml").read_text()
    first = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert first is not None
    assert (ROOT / first[1]).is_file()
    assert objections(schema.desired_state(), text) == []
    for mode in ("local", "api"):
        spec = parse(re.sub("(?m)^mode: .*", f"mode: {mode}", text).encode(), host="vm-1")
        assert (ROOT / str(spec.python.lock)).is_file()
    commented = re.findall(r"# (python: .*?)\s+#", text)
    assert [(ROOT / re.search(r"lock: ([^}]*)", line)[1]).is_file() for line in commented] == [True]


def test_the_page_has_examples_of_every_kind():
    assert len(STATES) >= 4
    assert len(SOURCES) == 2
    assert len(STATES) + len(SOURCES) == len(BLOCKS)


@pytest.mark.parametrize("block", SOURCES, ids=range(len(SOURCES)))
def test_every_source_on_the_page_is_read_and_the_schema_agrees(block: str) -> None:
    assert source.parse(block.encode()).host == "vm-1"
    assert objections(source.schema(), block) == []


@pytest.mark.parametrize("block", STATES, ids=range(len(STATES)))
def test_an_example_of_the_page_is_accepted_by_the_agent_and_the_schema(block: str):
    for host in ("vm-1", "vm-2"):
        parse(block.encode(), host=host)
    assert objections(schema.desired_state(), block) == []


def test_the_page_names_every_field_and_no_other():
    named = set(re.findall(r"^\| `([A-Za-z.<>]+)`", PAGE, re.MULTILINE))
    described = schema.desired_state()
    known = set(described["properties"]) - {"modes", "hosts", "source", "python", "service", "rollout", "sync"}
    for section, definition in (
        ("source", "AppSource"),
        ("python", "Python"),
        ("service", "Service"),
        ("rollout", "Rollout"),
        ("sync", "Sync"),
    ):
        known |= {f"{section}.{key}" for key in described["$defs"][definition]["properties"]}
    assert named == known | {"modes.<name>", "hosts.<name>"}


def test_the_page_shows_the_defaults_of_source_yaml():
    required = "".join(
        line for line in SOURCES[0].splitlines(keepends=True) if line.startswith(("apiVersion", "host", "url"))
    )
    assert source.parse(SOURCES[0].encode()) == source.parse(required.encode())
    assert objections(source.schema(), SOURCES[0]) == objections(source.schema(), required) == []


@pytest.mark.parametrize(
    "addition",
    [
        *(
            "extra: 1\n",
            "  prot: 1\n",
            "python: {version: 3.10}\n",
            "  env: {A: 1}\n",
            '  env: {A: "x\\ny"}\n',
            '  env: {"A\\n": x}\n',
        ),
        *(
            "source: {path: /etc}\n",
            "source: {path: ../x}\n",
            "source: {url: http://x/y}\n",
            'source: {url: "git@h:p", ref: {}}\n',
        ),
        *(
            "source: {url: git@h:p, ref: {branch: a, tag: b}}\n",
            "mode: API\n",
            'mode: "api\\n"\n',
            "suspend: maybe\n",
            "suspend: {why: x}\n",
        ),
        *(
            "modes: {Api: {}}\n",
            "modes: {api: {sync: {}}}\n",
            "modes: {api: {service: {prot: 1}}}\n",
            "hosts: {vm_1: {}}\n",
        ),
        *(
            "hosts: {vm-1: {app: x}}\n",
            "sync: {interval: 5}\n",
            "sync: {interval: often}\n",
            "rollout: {rollback: {keep: 0}}\n",
        ),
        *("  readinessProbe: {tcpSocket: {port: 1}}\n", "  readinessProbe: {periodSeconds: 0}\n", "  watchdog: 30\n"),
    ],
)
def test_what_the_agent_refuses_an_editor_shows_as_well(addition: str):
    with pytest.raises(InvalidSpec):
        parse((SMALLEST + addition).encode(), host="vm-1")
    assert objections(schema.desired_state(), SMALLEST + addition)


@pytest.mark.parametrize(
    ("old", "new"), [("8010", "80"), ("8010", "'8010'"), ("mood", '"mood\\n"'), ("v1", "v2"), ("  port: 8010\n", "")]
)
def test_what_is_required_is_required_by_both(old: str, new: str):
    with pytest.raises(InvalidSpec):
        parse(SMALLEST.replace(old, new).encode(), host="vm-1")
    assert objections(schema.desired_state(), SMALLEST.replace(old, new))


def test_every_field_an_editor_offers_says_what_it_is():
    def silent(name: str, described: dict[str, object]) -> list[str]:
        return [f"{name}.{key}" for key, field in described.get("properties", {}).items() if "description" not in field]

    for described in (schema.desired_state(), source.schema()):
        missing = silent("", described)
        for name, definition in described["$defs"].items():
            missing += silent(name, definition)
        assert missing == []
