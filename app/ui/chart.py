"""Mood over time as inline SVG: a lane for each mood, a mark for each text, larger the surer the model was.

Not Gradio's own plots: those with colours lose marks when they are updated.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise

from ..faces import face
from ..labels import MOODS, look
from .header import moment
from .history import Entry, History
from .words import apart, colour, name, percent, shortened

NEWEST = 20  # marks that fit
MOST_LANES = 8  # of moods that have not come up yet
WIDTH, LANE, LEFT, RIGHT, TOP = 400, 36, 104, 392, 4
LONGEST_NAME = 10  # letters before a lane
SMALLEST, LARGEST = 4, 10  # radius of a mark

Point = tuple[float, float]


def chart(history: History) -> str:
    entries = history.entries[-NEWEST:]
    lanes = _lanes(history)
    points = [(_x(at, len(entries)), _y(lanes.index(entry.mood))) for at, entry in enumerate(entries)]
    drawn = (
        *(_lane(row, label) for row, label in enumerate(lanes)),
        f"<path class='thread' d='{_thread(points)}'/>",
        *(_mark(entry, point) for entry, point in zip(entries, points, strict=True)),
    )
    return (
        f"<figure><svg class='chart' role='img' aria-labelledby='chart-title chart-about' viewBox='0 0 {WIDTH} {_y(len(lanes)) - LANE / 2 + TOP}'>"
        f"<title id='chart-title'>Mood over time</title><desc id='chart-about'>{escape(_about(entries))}</desc>"
        f"{''.join(drawn)}</svg>"
        f"<figcaption>{moment(entries[0].at)}<span>mood over time</span>{moment(entries[-1].at)}</figcaption></figure>"
    )


def _lanes(history: History) -> list[str]:
    """From the brightest mood to the darkest; moods that only the model knows have a lane while there are few."""
    seen = dict.fromkeys(entry.mood for entry in history.entries[-NEWEST:])
    known = dict.fromkeys(history.labels) if len(history.labels) <= MOST_LANES else {}
    return sorted({**seen, **known}, key=lambda label: MOODS.index(look(label)))


def _x(at: int, count: int) -> float:
    return round(LEFT + (RIGHT - LEFT) * (at + 0.5) / count, 1)


def _y(lane: int) -> float:
    return TOP + LANE * (lane + 0.5)


def _lane(row: int, label: str) -> str:
    y = _y(row)
    return (
        f"<g class='lane {colour(label)}' data-lane='{escape(label)}'><line x1='{LEFT}' x2='{RIGHT}' y1='{y}' y2='{y}'/>"
        f"<svg x='0' y='{y - 12}' width='24' height='24'>{face(label)}</svg>"
        f"<text x='32' y='{y + 4.5}'>{escape(shortened(name(label), LONGEST_NAME))}</text><title>{escape(name(label))}</title></g>"
    )


def _thread(points: list[Point]) -> str:
    """Leaves and reaches every mark level, so that it never says more than the marks."""
    path = f"M{points[0][0]} {points[0][1]}"
    for (x, y), (next_x, next_y) in pairwise(points):
        half = round((x + next_x) / 2, 1)
        path += f"C{half} {y} {half} {next_y} {next_x} {next_y}"
    return path


def _mark(entry: Entry, point: Point) -> str:
    radius = SMALLEST + (LARGEST - SMALLEST) * entry.confidence
    return (
        f"<circle class='mark {colour(entry.mood)}' data-mood='{escape(entry.mood)}' cx='{point[0]}' cy='{point[1]}' "
        f"r='{radius:.1f}'><title>{escape(f'{name(entry.mood)}, {percent(entry.confidence)}: {apart(entry.text)}')}</title></circle>"
    )


def _about(entries: tuple[Entry, ...]) -> str:
    said = ", ".join(name(entry.mood) for entry in entries)
    return f"The last {len(entries)} texts, the oldest first: {said}. The table below has every text."
