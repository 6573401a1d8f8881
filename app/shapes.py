"""What the HTTP API takes and gives: the source of its OpenAPI document, and what holds requests and answers to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .moods import FEELING, Failure, Mood, Opinion, Thought

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, examples=[0.012])]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Text(Shape):
    text: str = Field(
        description="What somebody wrote. What the model does not read is cut: after about 400 words.",
        examples=["I am so happy today!"],
        json_schema_extra={"pattern": r"\S"},  # said here, checked by the engine, which has its own words for it
    )


class Feeling(Shape):
    feeling: str | None = Field(
        None,
        description="One or two words, as the pattern says; or a label that /api/mood has given, whatever it looks "
        "like. Without it the thought is for anybody.",
        examples=["fear"],
        json_schema_extra={"pattern": FEELING},  # said here, checked by the engine, which knows the labels
    )


class MoodShape(Shape):
    label: str = Field(examples=["joy"])
    confidence: Share = Field(examples=[0.93])
    scores: dict[str, Share] = Field(
        description="Of every label, the highest first.", examples=[{"joy": 0.93, "neutral": 0.07}]
    )
    seconds: Seconds
    source: str = Field(description="What answered: api, onnx or transformers.", examples=["onnx"])
    cached: bool = Field(description="The service said so earlier, and was not asked again.")

    @classmethod
    def of(cls, mood: Mood) -> MoodShape:
        return cls(
            label=mood.label,
            confidence=mood.confidence,
            scores=mood.scores,
            seconds=round(mood.took.total_seconds(), 4),
            source=mood.source,
            cached=mood.cached,
        )


class ThoughtShape(Shape):
    text: str = Field(examples=["Small steps still move you forward."])
    source: str = Field(description="The model that wrote it, or our own list.", examples=["our own list"])
    seconds: Seconds

    @classmethod
    def of(cls, thought: Thought) -> ThoughtShape:
        return cls(text=thought.text, source=thought.source, seconds=round(thought.took.total_seconds(), 4))


class Problem(Shape):
    reason: str = Field(description="For machines.", pattern=r"^[A-Z][A-Za-z]+$", examples=["EmptyText"])
    message: str = Field(description="For people.", examples=["Please enter some text to analyze."])

    @classmethod
    def of(cls, failure: Failure) -> Problem:
        return cls(reason=failure.reason, message=failure.message)


class OpinionShape(Shape):
    mode: Literal["api", "local"]
    model: str = Field(examples=["tiny-mood (demo)"])
    mood: MoodShape | None = Field(description="null when it could not answer.")
    failure: Problem | None = Field(description="null when it did.")

    @classmethod
    def of(cls, opinion: Opinion) -> OpinionShape:
        found = opinion.outcome
        failed = isinstance(found, Failure)
        return cls(
            mode=opinion.mode,
            model=opinion.model,
            mood=None if failed else MoodShape.of(found),
            failure=Problem.of(found) if failed else None,
        )


class Alive(Shape):
    alive: Literal[True] = True


class UpstreamShape(Shape):
    state: Literal["up", "down", "unknown"] = Field(description="unknown: nobody has asked yet.")
    since: datetime | None
    reason: str | None = Field(description="Why it is down.", examples=["UpstreamDown"])


class Ready(Shape):
    ready: Literal[True] = True
    backend: str = Field(examples=["onnx"])
    upstream: dict[str, UpstreamShape] = Field(
        description="The services that answer in mode api, by task. An outage there does not make the app unready."
    )


class Version(Shape):
    revision: str | None = Field(description="The commit this was built from.", pattern="^[0-9a-f]{40}$")
    mode: Literal["api", "local"]
    modes: list[Literal["api", "local"]] = Field(description="Those it could answer in, its own first.")
    backend: str | None = Field(description="null while nothing can answer.", examples=["onnx"])
    device: str | None = Field(description="Where it computes.", examples=["cpu"])
    model: str = Field(examples=["tiny-mood (demo)"])
    modelRevision: str | None  # noqa: N815 - the API's own spelling
    thoughts: str | None = Field(description="Where thoughts come from.", examples=["our own list"])
    apiURL: str | None  # noqa: N815
    since: datetime = Field(description="When this process began.")
