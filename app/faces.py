"""A face for every mood, as inline SVG: one look for the header, the answers, the chart and the page shown while it loads."""

from __future__ import annotations

from html import escape

from .labels import look

_DOTS = '<circle cx="23" cy="28" r="3"/><circle cx="41" cy="28" r="3"/>'
_HEART = "c-4-3-6-5-6-8 0-3 4-4 6-1 2-3 6-2 6 1 0 3-2 5-6 8z"

# Solid parts (filled with ink), then lines.
_FACES = {
    "joy": ("", "M18 28q4.5-6 9 0M37 28q4.5-6 9 0M18 37q14 16 28 0"),
    "love": (f'<path d="M22 33{_HEART}M42 33{_HEART}"/>', "M20 40q12 11 24 0"),
    "surprise": (_DOTS + '<ellipse cx="32" cy="44" rx="5" ry="6.5"/>', "M18 20q4-4 9-2M46 20q-4-4-9-2"),
    "neutral": (_DOTS, "M22 42h20"),
    "fear": (_DOTS, "M17 21q4-5 10-4M47 21q-4-5-10-4M20 44q4-6 8 0t8 0t8 0"),
    "sadness": (
        _DOTS + '<path class="tear" d="M44 35c4 5 4 9 0 9s-4-4 0-9z"/>',
        "M17 22l9-3M47 22l-9-3M23 47q9-9 18 0",
    ),
    "anger": (_DOTS, "M17 19l10 5M47 19l-10 5M22 46q10-8 20 0"),
}


def face(label: str, *, of: str = "face") -> str:
    """Its size and colours come from CSS: `.face`, and the `mood-...` of what is around it."""
    solid, lines = _FACES[look(label)]
    return (
        f'<svg class="{escape(of)}" viewBox="0 0 64 64" aria-hidden="true"><circle class="skin" cx="32" cy="32" r="29"/>'
        f'<g class="ink">{solid}</g><path class="line" d="{lines}"/></svg>'
    )
