"""Every imaginable world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from agent.observed import Cure
from agent.release import Release
from tests.core.world import Failed, Makes, Runs, Started, World
from tests.memory import release_of, spec_of
from tests.memory.releases import ASGI


def pair(**settings: object) -> dict[str, Release]:
    """Two releases with the same settings, except that the new one has a port of its own."""
    return {
        "old": release_of("old", spec_of(brisk=True, **settings)),
        "new": release_of("new", spec_of(brisk=True, port=9000, **settings), venv="venv-2"),
    }


BUILT = [frozenset(names) for names in ((), ("old",), ("new",), ("old", "new"))]
NAMES = (None, "old", "new")


def structures() -> Iterator[World]:
    """What may lie on the disk, times what may run."""
    releases = pair()
    installed = [frozenset[str](), frozenset({"old"}), frozenset({"new"})]
    old_runs = (Runs.NOT, Runs.READY, Runs.ENDED, Runs.STOPPING)
    for built, current, confirmed, units, old, new, extra in product(
        BUILT, NAMES, NAMES, installed, old_runs, Runs, (False, True)
    ):
        world = World(
            **releases,
            built=built,
            current=current,
            confirmed=confirmed,
            installed=units,
            old_runs=old,
            new_runs=new,
            stranger_runs=extra,
            remains=extra,
        )
        yield world


FAILED: list[Failed] = [
    None,
    ("Prepare", Cure.TIME, 1),
    ("Prepare", Cure.TIME, 4),
    ("Prepare", Cure.PUSH, 1),
    ("Start", Cure.OPERATOR, 1),
    ("Start", Cure.OPERATOR, 4),
    ("Prune", Cure.TIME, 2),
    ("Start old", Cure.TIME, 4),
]
STARTS: list[Started] = [None, ("old", 3), ("new", 2), ("new", 4)]


def histories() -> Iterator[World]:
    """What may be on record, times what may run."""
    return _recorded(pair(), FAILED, STARTS)


def builds() -> Iterator[World]:
    """What may be in the making, or have ended badly, times what may run and what failed before. What is whole is not made."""
    old_runs, new_runs = (Runs.NOT, Runs.READY, Runs.DEAF), (Runs.NOT, Runs.WAKING, Runs.READY, Runs.DEAF)
    makes, releases = [each for each in Makes if each is not Makes.NONE], pair()
    for making, built, confirmed, rejected, old, new, sick, failure in product(
        makes, BUILT, NAMES, (False, True), old_runs, new_runs, (False, True), FAILED[:2]
    ):
        if making is Makes.NEW and "new" in built:
            continue
        yield World(
            **releases,
            built=built,
            confirmed=confirmed,
            current=confirmed,
            rejected=rejected,
            old_runs=old,
            new_runs=new,
            sick=sick,
            failed=failure,
            makes=making,
        )


def fetches() -> Iterator[World]:
    """What may have come of a model that only new needs, times what is in the making. Where old runs, one that nobody wants

    lies there as well.
    """
    releases = {
        "old": release_of("old", spec_of(brisk=True, models=("shared", "given-up"))),
        "new": release_of("new", spec_of(brisk=True, port=9000, models=("shared", "wanted")), venv="venv-2"),
    }
    yes_or_no = (False, True)
    for built, confirmed, venv, come, making, rejected, runs in product(
        BUILT[:2], NAMES[:2], yes_or_no, ("", "begun", "whole"), Makes, yes_or_no, (Runs.NOT, Runs.READY)
    ):
        if venv and come == "whole" and making.value and making.value[0] == "new":
            continue  # what is whole is not made
        stray = frozenset({"stranger"} if runs is Runs.READY else ())
        mine = frozenset({"new"})
        yield World(
            **releases,
            built=built,
            confirmed=confirmed,
            current=confirmed,
            rejected=rejected,
            old_runs=runs,
            makes=making,
            venv_made=venv,
            models=built | (mine if come == "whole" else stray),
            partial_models=mine if come == "begun" else stray,
        )


def settings() -> Iterator[World]:
    """Going back or healing switched off, times what may run; with the records that could make a difference there."""
    for rollback, self_heal in ((False, True), (True, False), (False, False)):
        yield from _recorded(pair(rollback=rollback, self_heal=self_heal), FAILED[:4:3], STARTS[::2])


def handovers() -> Iterator[World]:
    """Two that share one held socket, at every moment of a switch and of the trial after it, times what the agent knows.

    new is rejected only where old was confirmed, and sick only where it may be started again.
    """
    releases = {
        "old": release_of("old", spec_of(brisk=True, program=ASGI, soak="5s")),
        "new": release_of("new", spec_of(brisk=True, program=ASGI, soak="5s"), venv="venv-2"),
    }
    both = frozenset({"old", "new"})
    accepting = (frozenset[str](), frozenset({"old"}), frozenset({"new"}), both)
    for current, confirmed, who, old, new, sick, rejected, promoted in product(
        NAMES, NAMES, accepting, (Runs.NOT, Runs.READY, Runs.DEAF), Runs, (False, True), (False, True), (1, 1000)
    ):
        if (rejected and confirmed != "old") or (sick and new in (Runs.WAKING, Runs.READY)):
            continue
        yield World(
            **releases,
            installed=both,
            current=current,
            confirmed=confirmed,
            accepting=who,
            old_runs=old,
            new_runs=new,
            sick=sick,
            rejected=rejected,
            promoted=promoted,
        )


def crowded() -> Iterator[World]:
    """The same of a new one that cannot run beside another, because it opens a port of its own."""
    for world in handovers():
        if not world.sick and world.promoted == 1:
            yield replace(world, crowds=True)


def _recorded(releases: dict[str, Release], failed: list[Failed], starts: list[Started]) -> Iterator[World]:
    old_runs = (Runs.NOT, Runs.READY, Runs.DEAF)
    new_runs = (Runs.NOT, Runs.WAKING, Runs.READY, Runs.DEAF)
    yes_or_no = (False, True)
    for built, confirmed, rejected, old, new, sick, failure, start in product(
        BUILT[2:], NAMES, yes_or_no, old_runs, new_runs, yes_or_no, failed, starts
    ):
        yield World(
            **releases,
            built=built,
            confirmed=confirmed,
            current=confirmed,
            rejected=rejected,
            old_runs=old,
            new_runs=new,
            sick=sick,
            failed=failure,
            starts=start,
        )
