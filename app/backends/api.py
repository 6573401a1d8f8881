"""Answers from Hugging Face's Inference Providers, or from an endpoint that speaks the same protocol.

Protocol: https://huggingface.co/docs/inference-providers (text classification; OpenAI-style chat completion).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx2
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError

from ..config import Config
from ..moods import Failure
from ..thoughts import clean, messages

# The client's own default is to wait for ever.
TIMEOUT = timedelta(seconds=20)
MAX_TOKENS = 1024  # room for a model that reasons before it speaks

HOW_TO_GIVE_ONE = (
    "Make one at https://huggingface.co/settings/tokens (permission: make calls to Inference Providers), "
    "put HF_TOKEN=hf_... into the app's environment on the VM and restart it; or push MODE=local."
)
# What a status means to the user: reason, words, the status we give, whether time may cure it.
MEANINGS: dict[int, tuple[str, str, int, bool]] = {
    400: ("TextRefused", "The model could not read this text.", 502, False),
    401: ("TokenRejected", f"The inference service does not accept the token. {HOW_TO_GIVE_ONE}", 503, False),
    402: ("OutOfCredits", "The account's credits for inference are used up.", 503, True),
    403: ("TokenForbidden", f"The token may not call Inference Providers. {HOW_TO_GIVE_ONE}", 503, False),
    404: ("ModelGone", "The model is not served there; choose another: API_MODEL, THOUGHT_MODEL.", 503, False),
    410: ("ModelGone", "The model is not served there any more; choose another: API_MODEL, THOUGHT_MODEL.", 503, False),
    429: ("RateLimited", "Too many requests just now; try again in a minute.", 429, True),
}
DOWN = ("UpstreamDown", "The inference service does not answer; try again soon.", 502, True)
SLOW = ("UpstreamTimeout", "The inference service took too long; try again.", 504, True)
UNUSABLE = (
    "UnusableAnswer",
    "The inference service gave no usable answer for this model; try again, or choose another: API_MODEL, THOUGHT_MODEL.",
    502,
    True,
)


class ApiClient:
    """Safe to use from several threads."""

    def __init__(self, config: Config) -> None:
        token = _usable(config.token, config.api_url)
        seconds = TIMEOUT.total_seconds()
        if config.api_url is None:
            self._moods = InferenceClient(provider="hf-inference", model=config.api_model, token=token, timeout=seconds)
            self._chat = InferenceClient(provider="auto", token=token, timeout=seconds)
        else:
            at = config.api_url
            self._moods = InferenceClient(model=f"{at}/models/{config.api_model}", token=token, timeout=seconds)
            self._chat = InferenceClient(base_url=f"{at}/v1", token=token, timeout=seconds)
        self._thought_model = config.thought_model

    def scores(self, text: str) -> dict[str, float]:
        with _in_our_words():
            scores = {str(found.label): float(found.score) for found in self._moods.text_classification(text)}
        if not scores:
            raise _failure(*UNUSABLE)
        return scores

    def thought(self, feeling: str | None) -> str:
        with _in_our_words():
            answer = self._chat.chat_completion(messages(feeling), model=self._thought_model, max_tokens=MAX_TOKENS)
            said = clean(answer.choices[0].message.content or "")
        if not said:
            raise _failure(*UNUSABLE)
        return said


def _usable(token: str | None, api_url: str | None) -> str:
    if token is None:
        raise Failure("TokenMissing", f"MODE=api needs a Hugging Face token. {HOW_TO_GIVE_ONE}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Failure("TokenMalformed", f"The token has a space or a foreign character inside. {HOW_TO_GIVE_ONE}")
    if api_url is None and not token.startswith("hf_"):
        raise Failure("TokenMalformed", f"The token does not begin with hf_. {HOW_TO_GIVE_ONE}")
    return token


@contextmanager
def _in_our_words() -> Iterator[None]:
    """The library's own texts can hold the request's headers, and with them the token: none of them passes."""
    try:
        yield
    except HfHubHTTPError as error:
        raise _failure(*MEANINGS.get(error.response.status_code, DOWN)) from None
    except (InferenceTimeoutError, httpx2.TimeoutException):
        raise _failure(*SLOW) from None
    except (httpx2.HTTPError, OSError):
        raise _failure(*DOWN) from None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        # The client's parser stumbles in all these ways; ValueError is also its refusal of a model no provider serves.
        raise _failure(*UNUSABLE) from None


def _failure(reason: str, message: str, status: int, passing: bool) -> Failure:
    return Failure(reason, message, status=status, passing=passing)
