"""Answers from Hugging Face's Inference Providers, or from an endpoint that speaks the same protocol.

Protocol: https://huggingface.co/docs/inference-providers (text classification; OpenAI-style chat completion).
"""

from __future__ import annotations

from huggingface_hub import InferenceClient, set_client_factory

from ..config import Config
from ..moods import Upstream
from ..thoughts import clean, messages
from .limits import LimitedClient
from .line import Line
from .words import UNUSABLE, failure, usable

MAX_TOKENS = 1024  # room for a model that reasons before it speaks


class ApiClient:
    """Safe to use from several threads. Moods and thoughts are two services: each may be down by itself."""

    def __init__(self, config: Config) -> None:
        token = usable(config.token, config.api_url)
        set_client_factory(LimitedClient)
        if config.api_url is None:
            # Text classification is what `hf-inference` is for; for a chat the router picks who serves the model.
            self._classifier = InferenceClient(provider="hf-inference", model=config.api_model, token=token)
            self._chat = InferenceClient(provider="auto", token=token)
        else:
            at = config.api_url
            self._classifier = InferenceClient(model=f"{at}/models/{config.api_model}", token=token)
            self._chat = InferenceClient(base_url=f"{at}/v1", token=token)
        self._thought_model = config.thought_model
        self._moods = Line(config.api_timeout, config.api_patience)
        self._thoughts = Line(config.api_timeout, config.api_patience)

    def scores(self, text: str) -> dict[str, float]:
        return self._moods.ask(lambda: self._classify(text))

    def thought(self, feeling: str | None) -> str:
        return self._thoughts.ask(lambda: self._say(feeling))

    def upstream(self) -> dict[str, Upstream]:
        return {"moods": self._moods.state(), "thoughts": self._thoughts.state()}

    def _classify(self, text: str) -> dict[str, float]:
        scores = {str(found.label): float(found.score) for found in self._classifier.text_classification(text)}
        if not scores or not all(0 <= score <= 1 for score in scores.values()):
            raise failure(UNUSABLE)
        return scores

    def _say(self, feeling: str | None) -> str:
        answer = self._chat.chat_completion(messages(feeling), model=self._thought_model, max_tokens=MAX_TOKENS)
        said = clean(answer.choices[0].message.content or "")
        if not said:
            raise failure(UNUSABLE)
        return said
