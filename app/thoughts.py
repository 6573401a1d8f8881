"""Positive thoughts: the prompt for a language model, the cleaning of what it says, and our own for when there is none."""

from __future__ import annotations

import re
import secrets

from .labels import feeling, look

LONGEST = 280  # characters of a thought from a model that does not know when to stop
SYSTEM_PROMPT = (
    "You are a friendly assistant. Answer with ONLY a short positive message of one or two sentences, "
    "no introduction and no quotes. Reasoning, if any, goes inside <think>...</think>."
)

THOUGHTS = {
    "joy": (
        "Hold on to this feeling: you have earned it.",
        "Joy grows when you share it. Whom will you tell today?",
        "Take a picture of this moment in your mind; it will warm you later.",
        "Look how far you have come. Enjoy the view.",
    ),
    "sadness": (
        "It is all right to be sad. Tomorrow the light comes back.",
        "You have made it through every hard day so far.",
        "Be as kind to yourself as you would be to a friend.",
        "Even a small step out of the door counts today.",
    ),
    "anger": (
        "Breathe out slowly. You choose what happens next.",
        "Your anger shows what matters to you; let it point, not drive.",
        "A walk around the block has ended many a quarrel.",
        "You can be firm and calm at once.",
    ),
    "fear": (
        "Courage is being afraid and taking the next small step.",
        "Most of what we fear never comes, and you can handle the rest.",
        "You are not alone in this; ask somebody to stand beside you.",
        "Breathe in for four, out for six: right now you are safe.",
    ),
    "surprise": (
        "The unexpected is where the good stories begin.",
        "Stay curious: not knowing is the start of learning.",
        "Life still has some cards up its sleeve for you.",
        "Let today surprise you a second time.",
    ),
    "neutral": (
        "A calm day is a gift, too.",
        "Small steps still move you forward.",
        "Something good is on its way to you; leave the door ajar.",
        "You are doing better than you think.",
    ),
}


def own_thought(label: str | None) -> str:
    """One of ours, for somebody who feels so, in whatever words; a feeling that we do not know gets the neutral ones."""
    mood = look(label or "neutral")
    return secrets.choice(THOUGHTS["joy" if mood == "love" else mood])


def messages(label: str | None) -> list[dict[str, str]]:
    ask = "Generate a short positive and motivational message."
    if felt := feeling(label):
        ask += f" It is for somebody who feels {felt}."
    return [{"role": "system", "content": SYSTEM_PROMPT}, {"role": "user", "content": ask}]


def clean(answer: str) -> str:
    """What the model says to the reader: without its reasoning, stray tags and quotes. Empty when it never got there."""
    said = answer.rpartition("</think>")[2]
    said = said.partition("<think>")[0]
    return said.replace("</code>", "").strip().strip("\"'“”").strip()


def bounded(said: str) -> str:
    """Its whole sentences that fit, as one line; of a first sentence that does not fit, the words that do."""
    line = " ".join(said.split())
    if len(line) <= LONGEST:
        return line
    ends = [found.end() for found in re.finditer(r"[.!?](?=\s)", line[: LONGEST + 1])]
    return line[: ends[-1]] if ends else (line[:LONGEST].rpartition(" ")[0] or line[:LONGEST]) + " ..."
