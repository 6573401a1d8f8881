"""The pure parts: what the environment means, and what is left of a language model's answer."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from app.config import TINY_MODEL, ConfigError, read
from app.logs import Redacting
from app.moods import mood
from app.settings import prepared
from app.thoughts import THOUGHTS, clean, messages, own_thought
from app.training.corpus import MOODS


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("Small steps count.", "Small steps count."),
        ('<think>hm, "well"</think>\n\n"Small steps count."', "Small steps count."),
        ("<think>a</think>no<think>b</think> “Small steps count.”\n", "Small steps count."),
        ("Small steps count.</code>", "Small steps count."),
        ('It\'s what "they" say.', 'It\'s what "they" say.'),
        ("<think>it never came to an", ""),
        ("", ""),
    ],
)
def test_only_what_is_meant_for_the_reader_is_left_of_an_answer(answer: str, said: str) -> None:
    assert clean(answer) == said


def test_the_prompt_names_the_feeling_only_when_there_is_one() -> None:
    assert messages(None)[1]["content"] == "Generate a short positive and motivational message."
    assert messages("fear")[1]["content"].endswith("feels fear.")


def test_every_mood_of_the_model_has_thoughts_and_an_unknown_one_gets_neutral_ones() -> None:
    assert set(THOUGHTS) == set(MOODS)
    assert own_thought("LABEL_0") in THOUGHTS["neutral"]


def test_scores_are_ranked_and_the_first_is_the_label() -> None:
    found = mood({"fear": 0.2, "joy": 0.7, "anger": 0.1}, took=timedelta(seconds=1), source="onnx")
    assert (found.label, found.confidence, list(found.scores)) == ("joy", 0.7, ["joy", "fear", "anger"])


def test_an_empty_environment_means_the_shipped_model_here() -> None:
    config = read({})
    assert (config.mode, config.model) == ("local", TINY_MODEL)
    assert (config.token, config.revision, config.api_url) == (None, None, None)


@pytest.mark.parametrize(
    ("environment", "token"),
    [
        ({"HF_TOKEN": "hf_a\n"}, "hf_a"),
        ({"HUGGING_FACE_TOKEN": " hf_b "}, "hf_b"),
        ({"HF_TOKEN": "hf_a", "HUGGING_FACE_TOKEN": "hf_b"}, "hf_a"),
        ({"HF_TOKEN": " \n", "HUGGING_FACE_TOKEN": "hf_b"}, "hf_b"),
        ({"HF_TOKEN": ""}, None),
    ],
)
def test_a_token_is_read_by_either_name_and_an_empty_one_is_none(
    environment: dict[str, str], token: str | None
) -> None:
    assert read(environment).token == token


def test_the_token_is_not_in_what_a_configuration_prints() -> None:
    assert "hf_a" not in repr(read({"HF_TOKEN": "hf_a"}))


@pytest.mark.parametrize(
    ("environment", "write"),
    [
        ({"MODE": "API"}, "write MODE=api or local"),
        ({"MODEL_BACKEND": "torch"}, "write MODEL_BACKEND=auto or onnx or transformers"),
        ({"REVISION": "4f2c9d1a"}, "write all its 40 hex digits"),
        ({"API_URL": "localhost:80"}, "write API_URL=https://HOST"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(environment: dict[str, str], write: str) -> None:
    with pytest.raises(ConfigError, match=write):
        read(environment)


@pytest.mark.parametrize(
    "url",
    [
        "https://ada:hf_secret@example.org",
        "https://hf_secret@example.org",
        "hf_secret",
        "http://hf_secret:port",
        "http://[hf_secret",
        "https://example.org/?key=hf_secret",
        "https://example.org/#hf_secret",
        "https://:80",
    ],
)
def test_an_address_with_a_secret_in_it_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="write API_URL=https://HOST") as refused:
        read({"API_URL": url})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "offline"),
    [
        ({}, "1"),  # the shipped model is here
        ({"MODEL": "acme/mood"}, "0"),
        ({"MODEL": "acme/mood", "HF_HUB_OFFLINE": "1"}, "1"),  # the agent has fetched it
        ({"MODEL": "acme/mood", "HF_HUB_OFFLINE": "1", "HF_TOKEN": "hf_a"}, "0"),  # it would refuse calls of the API
    ],
)
def test_the_hub_s_library_is_offline_where_nothing_is_to_be_asked(given: dict[str, str], offline: str) -> None:
    environ = dict(given)
    prepared(environ)
    assert environ["HF_HUB_OFFLINE"] == offline


def test_a_token_in_a_library_s_traceback_does_not_reach_the_log() -> None:
    with pytest.raises(ValueError, match="hf_a") as caught:
        int("Bearer hf_a")
    failure = (caught.type, caught.value, caught.tb)
    line = Redacting("hf_a").format(logging.LogRecord("httpx", logging.ERROR, "", 0, "not %s", ("hf_a",), failure))
    assert "Traceback" in line
    assert "hf_a" not in line
