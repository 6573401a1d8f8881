"""What `--help` promises: examples that can be typed as they are."""

from __future__ import annotations

import re
import shlex

import pytest

from agent.cli import USAGE, main
from agent.cli.verbs import grammar

PARSER, VERBS = grammar()


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as left:
        PARSER.parse_args([*words, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


def examples(text: str) -> list[list[str]]:
    """The words after `gitops-vm` of each line that has some; what it does stands two blanks behind."""
    after = text.partition("examples:\n")[2]
    found = [
        re.split(r" {2,}", line.strip())[0] for line in after.splitlines() if re.match(r"  (?=\S).*\bgitops-vm ", line)
    ]
    typed = [each.partition("gitops-vm ")[2].replace("$(git rev-parse HEAD)", "a" * 40) for each in found]
    return [shlex.split(each) for each in typed]


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_the_help_of_each_verb_has_one_to_three_examples_that_can_be_typed(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = examples(shown(capsys, verb))

    assert 1 <= len(lines) <= 3
    for words in lines:
        assert PARSER.parse_args(words).verb == PARSER.parse_args([verb]).verb, words


def test_the_examples_of_the_whole_can_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = examples(shown(capsys))

    assert len(lines) > 5
    for words in lines:
        assert words[-1] == "--help" or PARSER.parse_args(words).verb, words


@pytest.mark.parametrize(("typed", "meant"), [("reconcil", "reconcile"), ("log", "logs"), ("roll-back", "rollback")])
def test_a_verb_that_does_not_exist_is_answered_with_the_one_that_was_meant(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([typed], {}) == USAGE
    assert capsys.readouterr().err == f"gitops-vm: unknown verb '{typed}'; did you mean `gitops-vm {meant}`?\n"


def test_a_verb_like_no_other_is_unknown_and_nothing_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frobnicate"], {}) == USAGE
    assert capsys.readouterr().err == "gitops-vm: unknown verb 'frobnicate'; `gitops-vm --help` shows examples\n"
