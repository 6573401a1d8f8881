"""Models have words of their own for the moods: what each gets, and when two mean the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.faces import face
from app.labels import MOODS, agree, feeling, look
from app.thoughts import THOUGHTS, messages, own_thought
from tests.app.venvs import ROOT
from tests.process import run

SHOWN = """
import json
from datetime import timedelta
from app.moods import Opinion, Thought, mood
from app.ui.answers import opinions_html, thought_html
def opinions(*labels):
    moods = [mood({label: 1.0}, timedelta(), "onnx") for label in labels]
    return opinions_html([Opinion(mode=mode, model="any", outcome=each) for mode, each in zip(("api", "local"), moods)], "a text")
def thought(label):
    return thought_html(Thought(text="Rest.", source="any", took=timedelta()), label)
print(json.dumps([opinions("POSITIVE", "joy"), opinions("JOY", "joy"), opinions("NEGATIVE", "joy"), thought("Fear"), thought("LABEL_0")]))
"""


@pytest.mark.parametrize(
    ("label", "mood"),
    [
        ("NEGATIVE", "sadness"),
        ("POSITIVE", "joy"),
        ("Fear", "fear"),
        ("love", "joy"),
        ("disgust", "anger"),
        ("LABEL_0", "neutral"),
        (None, "neutral"),
    ],
)
def test_a_thought_is_for_the_mood_whose_face_the_label_has(label: str | None, mood: str) -> None:
    assert {own_thought(label) for _ in range(100)} <= set(THOUGHTS[mood])
    if label not in (None, "love"):
        assert face(label) == face(mood)


def test_every_mood_has_a_face_of_its_own() -> None:
    assert len({face(mood) for mood in MOODS}) == len(MOODS)
    assert [look(mood) for mood in MOODS] == list(MOODS)


@pytest.mark.parametrize(
    ("label", "word"),
    [("POSITIVE", "positive"), ("Fear", "fear"), ("very_sad", "very sad"), ("LABEL_0", None), ("", None), (None, None)],
)
def test_a_language_model_is_told_a_feeling_in_words_or_none(label: str | None, word: str | None) -> None:
    assert feeling(label) == word
    asked = messages(label)[1]["content"]
    assert asked.endswith(f" It is for somebody who feels {word}.") if word else asked == messages(None)[1]["content"]


@pytest.mark.parametrize(
    ("labels", "agreed"),
    [
        (["POSITIVE", "joy"], True),
        (["love", "positive"], True),
        (["NEGATIVE", "fear"], True),
        (["Joy", "joy"], True),
        (["POSITIVE", "sadness"], False),
        (["disgust", "anger"], False),
        (["LABEL_0", "LABEL_1"], False),
        (["neutral", "surprise"], False),
        (["joy"], True),
    ],
)
def test_two_labels_agree_when_they_could_mean_the_same(labels: list[str], *, agreed: bool) -> None:
    assert agree(labels) is agreed


@pytest.mark.app
def test_the_page_says_so_in_readable_names(onnx_python: Path) -> None:
    said = run(onnx_python, "-c", SHOWN, cwd=ROOT)
    alike, same, other, fear, unnamed = json.loads(said[said.index("[") :])
    assert ">They agree: api says Positive, local says Joy.<" in alike
    assert ">They agree: Joy.<" in same
    assert ">They differ: api says Negative, local says Joy.<" in other
    assert ">For somebody who feels fear<" in fear
    assert ">For anybody<" in unnamed
    assert "<blockquote dir='auto'>Rest.<" in fear
