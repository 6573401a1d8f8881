from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.problems import InvalidSpec
from agent.strict_yaml import MAX_BYTES, Node, load


def value(text: str) -> object:
    root, findings = load(text.encode(), file="f.yaml")
    findings.verdict()
    return root.plain()


def problems(data: str | bytes) -> list[str]:
    with pytest.raises(InvalidSpec) as refused:
        load(data.encode() if isinstance(data, str) else data, file="f.yaml")[1].verdict()
    return [str(problem) for problem in refused.value.problems]


def outcome(data: bytes) -> Node | InvalidSpec:
    try:
        root, findings = load(data, file="f.yaml")
        findings.verdict()
    except InvalidSpec as refused:
        return refused
    return root


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "off",
        "yes",
        "NO",
        "y",
        "True",
        "FALSE",
        "12:30",
        "22:22",
        "0123456",
        "0600",
        "0o600",
        "0x1f",
        "2026-01-01",
        ".nan",
        ".inf",
        "+5",
        ".5",
        "5.",
        "1_000",
        "1e",
        "=",
        "Null",
        "1.2.3",
    ],
)
def test_what_only_older_yaml_takes_for_something_else_stays_text(text: str):
    assert value(f"key: {text}\n") == {"key": text}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("8010", 8010),
        ("-7", -7),
        ("3.10", 3.1),
        ("1e3", 1000.0),
        ("1234e56", 1234e56),
        ("true", True),
        ("false", False),
    ],
)
def test_numbers_and_booleans_are_those_of_json(text: str, expected: object):
    found = value(f"key: {text}\n")
    assert found == {"key": expected}
    assert type(found["key"]) is type(expected)


@pytest.mark.parametrize("quoted", ["'3.10'", '"3.10"', "!!str 3.10"])
def test_quotes_make_text_and_tags_do_not(quoted: str):
    if quoted.startswith("!!"):
        assert problems(f"key: {quoted}\n") == ["f.yaml:1: key: tags (!) are not read; take it off"]
    else:
        assert value(f"key: {quoted}\n") == {"key": "3.10"}


@pytest.mark.parametrize(
    "text", ["mode: api\r\nport: 1\r\n", "\ufeffmode: api\nport: 1\n", '{"mode": "api", "port": 1}']
)
def test_windows_line_ends_a_byte_order_mark_and_json_are_read(text: str):
    assert value(text) == {"mode": "api", "port": 1}


def test_every_value_knows_its_path_its_line_and_what_was_written():
    root, _ = load(b"service:\n  exec:\n    - python\n    - -m\n  ratio: 3.10\n", file="f.yaml")
    node, rest = root.nearest(("service", "exec", 1, "deeper"))
    assert (node.path, node.line, node.text, rest) == (("service", "exec", 1), 4, "-m", ("deeper",))
    ratio = root.nearest(("service", "ratio"))[0]
    assert (ratio.line, ratio.text, ratio.value) == (5, "3.10", 3.1)
    assert root.nearest(("service", "exec"))[0].line == 2


NO_REFERENCES = "anchors (&) and aliases (*) are not read; write the value out"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ["f.yaml:3: a: stands in line 1 already; keep one"]),
        ('{"m": {"a": 1,\n"a": 2}}', ["f.yaml:2: m.a: stands in line 1 already; keep one"]),
        ("a: &x {p: 1}\nb: *x\n", [f"f.yaml:1: a: {NO_REFERENCES}", f"f.yaml:2: b: {NO_REFERENCES}"]),
        ("a: &x [*x]\n", [f"f.yaml:1: a: {NO_REFERENCES}", f"f.yaml:1: a[0]: {NO_REFERENCES}"]),
        ("b: {<<: {p: 1}, q: 2}\n", ["f.yaml:1: b: merge keys (<<) are not read; write the keys out"]),
        ('a: !!python/object/apply:os.system ["x"]\n', ["f.yaml:1: a: tags (!) are not read; take it off"]),
        ("a: ! x\n", ["f.yaml:1: a: tags (!) are not read; take it off"]),
        ("1: a\n", ['f.yaml:1: a key is text; write it in quotes: "1"']),
        ("true: a\n", ['f.yaml:1: a key is text; write it in quotes: "true"']),
        ("? [a, b]\n: 1\n", ["f.yaml:1: a key is text; a map, a list or an alias (*) cannot be one"]),
        ("a: {{ x }}\n", ["f.yaml:1: a: a key is text; a map"]),
        ("a:\nb: ~\n", ["f.yaml:1: a: holds nothing", "f.yaml:2: b: holds nothing"]),
        ("a: " + "9" * 5000, ["f.yaml:1: a: is too long for a number; write it in quotes if it is text"]),
        ('a: "\\0"\n', ["f.yaml:1: a: holds a character that cannot be printed; take it out"]),
        ('a: "\\ud800"\n', ["f.yaml:1: a: holds a character that cannot be printed; take it out"]),
        ('a: "x\\ry"\n', ["f.yaml:1: a: holds a character that cannot be printed; take it out"]),
    ],
)
def test_what_may_not_stand_in_a_file_is_named_with_its_line(text: str, expected: list[str]):
    found = problems(text)
    assert len(found) == len(expected)
    assert all(problem.startswith(start) for problem, start in zip(found, expected, strict=True)), found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "f.yaml:1: is empty"),
        (b"# only a comment\n", "f.yaml:1: is empty"),
        (b"a: 1\n---\nb: 2\n", "f.yaml:2: holds a second document; keep one"),
        ("mode: api".encode("utf-16"), "f.yaml:1: is UTF-16; save it as UTF-8"),
        (b"a: 1\nb: \xe4\n", "f.yaml:2: is not UTF-8 here; save it as UTF-8"),
        (b'a: 1\nb: "\x00"\n', "f.yaml:2: holds the character U+0000; take it out"),
        ("a: 1\nb: \u202ex\n".encode(), "f.yaml:2: holds the character U+202E; take it out"),
        (b"a: 1\n<<<<<<< HEAD\nb: 1\n", "f.yaml:2: holds an unresolved merge conflict; resolve it"),
        (
            b"a:\n\tb: 1\n",
            "f.yaml:2: is not YAML: found character '\\t' that cannot start any token; indent with spaces",
        ),
        (b"a: 1\nb: c: d\n", "f.yaml:2: is not YAML: mapping values are not allowed here; put text that holds a colon"),
        (b"a: @x\n", "f.yaml:1: is not YAML: found character '@' that cannot start any token; put the text in quotes"),
        (b'a: "b\n', "f.yaml:2: is not YAML: found unexpected end of stream"),
        (b"a: 1\n}}}\n", "f.yaml:2: is not YAML: "),
        (b'\na: "\\UFFFFFFFF"\n', "f.yaml:1: is not YAML: "),
        (b"%YAML " + b"1" * 5000 + b".1\n---\na: 1\n", "f.yaml:1: is not YAML: "),
    ],
)
def test_what_cannot_be_read_is_one_problem_with_its_line(data: bytes, expected: str):
    found = problems(data)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_the_caps_are_64_kib_20_levels_and_2000_values():
    padding = "#" * (65_536 - len("a: 1\n\n"))
    assert value(f"a: 1\n{padding}\n") == {"a": 1}
    assert problems(f"a: 1\n{padding}#\n") == ["f.yaml:1: is longer than 65536 bytes; no more are read"]
    assert value("[" * 20 + "1" + "]" * 20)
    assert problems("[" * 21 + "1" + "]" * 21) == ["f.yaml:1: is nested more than 20 deep"]
    assert len(value("- 1\n" * 1999)) == 1999
    assert problems("- 1\n" * 2000) == ["f.yaml:2000: holds more than 2000 values"]


BOMB = "a: &a [lol,lol]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)
MERGE_BOMB = "a0: &a0 {k: v}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 8)
)
FULL = MAX_BYTES - 16


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        MERGE_BOMB,
        "[" * FULL,
        "{" * FULL,
        "[{" * (FULL // 2),
        "- " * (FULL // 2),
        "? " * (FULL // 2),
        "-\n" * (FULL // 2),
        ":" * FULL,
        "".join(" " * depth + "a:\n" for depth in range(340)),
        "".join(f"k{i}: {i}\n" for i in range(5000)),
        "".join(f'? "k{i}"\n' for i in range(5000)),
        "x: 0x" + "f" * FULL,
        "x" * (MAX_BYTES + 1),
        "k: v\n" * 1_000_000,
    ],
    ids=lambda text: repr(text[:12]),
)
@pytest.mark.timeout(20)
def test_a_bomb_is_refused_or_read_within_the_caps(text: str):
    read = outcome(text.encode())
    assert len(read.problems if isinstance(read, InvalidSpec) else json.dumps(read.plain())) <= 2 * MAX_BYTES


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_a_document_or_problems(data: bytes):
    read = outcome(data)
    assert read.problems if isinstance(read, InvalidSpec) else json.dumps(read.plain())


SPECIAL = st.text(alphabet="ab:-?,[]{}#&*!|>'\"%@`\\ \n\t0123456789.~<=\ud7ff\x85\u2028\ufeff", max_size=60)


@given(SPECIAL)
@example("\ud7ff:")
def test_no_arrangement_of_special_characters_breaks_the_reader(text: str):
    read = outcome(text.encode())
    said = [str(problem) for problem in read.problems] if isinstance(read, InvalidSpec) else [json.dumps(read.plain())]
    assert all(line.isprintable() for line in said)


PRINTABLE = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Cn", "Co"), include_characters="\n\t"), max_size=80
)


@given(PRINTABLE)
def test_text_in_quotes_is_read_as_it_was_written(text: str):
    assert value("key: " + json.dumps(text, ensure_ascii=False).replace("\t", "\\t")) == {"key": text}
