"""The demo's stand-in is strict where the real service is strict, and says that it is a stand-in."""

from __future__ import annotations

import pytest
import requests

from tests.app.conftest import Start

pytestmark = pytest.mark.app


def ask(url: str, *, token: str = "hf_any", body: bytes = b'{"inputs": "I am scared."}') -> requests.Response:  # noqa: S107
    return requests.post(url, data=body, headers={"authorization": f"Bearer {token}"}, timeout=30)


def test_it_says_what_it_is_with_every_answer(standin: str) -> None:
    assert "not the model that was asked for" in requests.get(standin, timeout=30).json()["about"]
    assert "stand-in" in ask(f"{standin}/models/any/name").headers["x-stand-in"]


def test_it_answers_with_real_inference_in_the_documented_shape(standin: str) -> None:
    ranked = ask(f"{standin}/models/any/name").json()[0]
    assert ranked[0]["label"] == "fear"
    assert sum(each["score"] for each in ranked) == pytest.approx(1)


@pytest.mark.parametrize(
    ("path", "token", "body", "status"),
    [
        ("/models/any", "sk_foreign", b'{"inputs": "a"}', 401),
        ("/models/any", "", b'{"inputs": "a"}', 401),
        ("/models/any", "hf_any", b"{}", 400),
        ("/models/any", "hf_any", b"not json", 400),
        ("/v1/chat/completions", "hf_any", b'{"messages": []}', 400),
        ("/v2/elsewhere", "hf_any", b"{}", 404),
        ("/models/fault/503", "hf_any", b'{"inputs": "a"}', 503),
    ],
)
def test_it_refuses_as_the_service_does(standin: str, path: str, token: str, body: bytes, status: int) -> None:
    assert ask(standin + path, token=token, body=body).status_code == status


def test_a_model_named_after_a_fault_shows_that_fault_in_the_app(start: Start, api_python, standin: str) -> None:
    app = start(api_python, MODE="api", API_URL=standin, HF_TOKEN="hf_any", API_MODEL="fault/402")  # noqa: S106
    assert "credits" in app.reason("OutOfCredits")["message"]
