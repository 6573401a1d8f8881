"""How far a rollout is: in the document, in what a person reads, and in as few commits as say it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from agent.errors import Reason
from agent.observed import Building, BuildState, Cure, Failure
from agent.report import Report
from agent.status.advance import advance
from agent.status.document import document
from agent.status.memory import Memory, Published
from agent.status.publication import is_due, publication, significant
from agent.status.read import render
from agent.steps import Build, Start
from tests.reports import NOW, observed, probe, process, release, report, started, well
from tests.status_checker import check
from tests.status_facts import FACTS

OLD, NEW = release("a"), release("b")
HOUR = timedelta(hours=1)
WAKING: dict[str, Any] = {"started": False, "readiness": probe(ok=False), "liveness": None}


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def building(seconds: float, doing: str) -> Report:
    """Begun at 0 s."""
    making = Building(venv=NEW.venv, since=NOW, state=BuildState.RUNNING, doing=doing)
    world = observed(OLD, running=process(OLD), confirmed=OLD, venvs=frozenset(), building=making)
    return report(NEW, world, at=at(seconds))


def running(seconds: float, **fields: Any) -> Report:
    facts = {name: fields.pop(name) for name in ("current", "promoted") if name in fields}
    up = process(NEW, since=at(90), **fields)
    return report(NEW, observed(OLD, NEW, running=up, confirmed=OLD, last_start=started(NEW), **facts), at=at(seconds))


def soaking(seconds: float) -> Report:
    return running(seconds, current=NEW.id, promoted=at(91))


def confirmed(seconds: float) -> Report:
    return report(NEW, observed(OLD, NEW, running=process(NEW, since=at(90)), confirmed=NEW), at=at(seconds))


class Branch:
    """Commits as the publisher does; `told` are the phases that the commits show, `extra` those commits that say nothing else."""

    def __init__(self) -> None:
        self.memory, self.told, self.subjects = Memory(), list[str | None](), list[str]()
        self.extra = list[str | None]()
        self.document: dict[str, Any] = {}

    def take(self, *passes: Report) -> None:
        for each in passes:
            self.memory = advance(self.memory, each)
            now = document(each, self.memory, FACTS)
            check(now, self.document or None)
            self.document = now
            if is_due(self.memory, significant(now), each.at, HOUR):
                self._commit(each.at)

    def _commit(self, when: datetime) -> None:
        rollout, progress, last = self.document["rollout"], self.memory.progress, self.memory.published
        if last and last.digest == significant(self.document):
            self.extra.append(rollout and rollout["phase"])
        stage = progress.key if progress else ""
        self.memory = replace(self.memory, published=Published(digest=significant(self.document), at=when, stage=stage))
        self.told.append(rollout and rollout["phase"])
        self.subjects.append(publication(self.document, self.memory.events, when, ()).subject)


@pytest.fixture
def branch() -> Branch:
    made = Branch()
    made.take(well())
    return made


def test_each_phase_that_lasts_is_committed_once(branch: Branch):
    branch.take(
        *(building(second, "installing") for second in (1, 5, 20, 50)),
        *(running(second, **WAKING) for second in (91, 92, 93, 94, 95)),
        *(running(second, readiness=probe(ok=False)) for second in (96, 97, 98, 99)),
        *(soaking(second) for second in (100, 105, 110)),
        confirmed(130),
    )
    assert branch.told == [None, "building", "starting", "probing", "soaking", None]
    assert branch.extra == ["probing"]
    assert branch.subjects[1:4] == [
        f"mood: Ready=Unknown Progressing main@sha1:bbbbbbbb {phase}" for phase in ("building", "starting", "probing")
    ]


def test_a_quick_rollout_makes_no_commit_for_its_phases(branch: Branch):
    quick = running(91, **WAKING)
    code = observed(OLD, NEW, running=process(OLD), confirmed=OLD)
    branch.take(
        report(
            NEW, observed(OLD, running=process(OLD), confirmed=OLD), at=at(90), after=code, done=(Build(NEW, "new"),)
        ),
        replace(quick, done=(Start(NEW, "declared"),)),
        running(92, readiness=probe(ok=False)),
        soaking(92.5),
        soaking(100),
        confirmed(130),
    )
    assert branch.told == [None, "building", "starting", "soaking", None]  # the second: another revision is active
    assert branch.extra == []


def test_a_long_build_says_once_a_minute_how_far_it_is(branch: Branch):
    branch.take(*(building(second, f"Prepared {second} packages") for second in range(1, 300, 10)))
    assert branch.told == [None, *["building"] * 5]
    assert branch.document["rollout"] == {
        "phase": "building", "revision": NEW.revision, "since": "2026-11-23T09:00:00Z", "message": "Prepared 291 packages"
    }  # fmt: skip


def test_a_person_reads_how_far_it_is_on_the_screen_and_on_the_page(branch: Branch):
    branch.take(building(42, "installing requirements.txt: Resolved 71 packages"))
    screen = render(branch.document, at(42))
    assert "rollout    main@sha1:bbbbbbbb building for 42s: installing requirements.txt: Resolved 71 packages" in screen
    page = publication(branch.document, branch.memory.events, at(42), ()).files["README.md"]
    assert "**building** since 2026-11-23\u00a009:00:00, installing requirements.txt\\: Resolved 71 packages." in page


def test_since_is_when_the_phase_began_and_begins_anew_with_the_next(branch: Branch):
    branch.take(running(91, **WAKING), running(95, **WAKING))
    assert branch.document["rollout"]["since"] == "2026-11-23T09:01:31Z"
    branch.take(soaking(100))
    assert branch.document["rollout"] == {
        "phase": "soaking", "revision": NEW.revision, "since": "2026-11-23T09:01:40Z", "message": "GET / answered 200"
    }  # fmt: skip


def test_no_phase_begins_after_the_pass_that_tells_of_it():
    began_in_it = advance(Memory(), building(-1, "beginning")).progress
    assert began_in_it
    assert began_in_it.since == at(-1)


def test_what_is_stopped_or_healed_is_no_rollout(branch: Branch):
    healed = observed(OLD, running=process(OLD, **WAKING), confirmed=OLD)
    branch.take(report(OLD, healed, at=at(1)))
    assert branch.document["rollout"] is None
    branch.take(report(NEW, replace(running(2).observed, stopped=True), at=at(2)))
    assert branch.document["rollout"] is None


def test_a_retry_of_what_failed_says_nothing_until_it_ends_otherwise(branch: Branch):
    for second in range(0, 6000, 300):
        failure = Failure(
            release=NEW.id,
            step="Prepare",
            cure=Cure.TIME,
            reason=Reason.INDEX_UNREACHABLE,
            message="no answer",
            at=at(second),
            count=2,
        )
        world = observed(NEW, releases={}, venvs=frozenset(), failure=failure)
        retried = Building(venv=NEW.venv, since=at(second + 200), state=BuildState.RUNNING, doing="installing")
        branch.take(
            report(NEW, world, at=at(second + 1)),
            *(report(NEW, replace(world, building=retried), at=at(second + after)) for after in (200, 210, 270, 290)),
        )
    assert len(branch.told) <= 3
    assert branch.extra == [None], "but for the heartbeat"
