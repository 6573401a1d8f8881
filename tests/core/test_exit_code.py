"""What a status means for somebody who waits for one revision."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.status.advance import advance
from agent.status.document import document
from agent.status.exit_code import Code, code_of, exit_code, worst
from agent.status.memory import Memory
from tests.reports import NOW, Observed, fetched, observed, process, rejected, release, report, well
from tests.status_facts import FACTS

OLD, NEW = release("a"), release("b")
KNOWN = advance(Memory(), well())
REFUSED = report(NEW, observed(OLD, running=process(OLD), confirmed=OLD, rejected=rejected(NEW)))
BUILDING = report(NEW, observed(OLD, running=process(OLD), confirmed=OLD))


def told(of, memory=KNOWN):
    return document(of, advance(memory, of), FACTS)


@pytest.mark.parametrize(("of", "digits", "code"), [
    (well(), "aaaa", Code.CURRENT), (well(), "a" * 40, Code.CURRENT), (well(), "", Code.CURRENT),
    (well(), "bbbb", Code.IN_PROGRESS), (REFUSED, "bbbb", Code.FAILED), (REFUSED, "aaaa", Code.CURRENT),
    (BUILDING, "bbbb", Code.IN_PROGRESS), (BUILDING, "aaaa", Code.CURRENT), (REFUSED, "cccc", Code.IN_PROGRESS),
])  # fmt: skip
def test_the_code_is_about_the_revision_that_was_asked_for(of, digits, code):
    assert code_of(told(of), digits, NOW) is code


def test_a_rejected_revision_that_a_newer_one_has_followed_stays_failed():
    memory = advance(KNOWN, REFUSED)
    assert code_of(told(well("c"), memory), "bbbb", NOW) is Code.FAILED


def test_nothing_is_said_of_any_revision_by_a_vm_that_is_not_heard_of():
    for digits in ("", "aaaa", "bbbb"):
        assert code_of(told(well()), digits, NOW + timedelta(hours=3)) is Code.UNKNOWN
    nothing = report(None, Observed(), fetched=fetched(None))
    assert code_of(told(nothing, Memory()), "aaaa", NOW) is Code.IN_PROGRESS
    assert exit_code(told(nothing, Memory()), NOW) is Code.IN_PROGRESS


def test_of_several_vms_a_failure_is_graver_than_not_knowing_and_that_than_work():
    assert worst([Code.CURRENT, Code.IN_PROGRESS]) is Code.IN_PROGRESS
    assert worst([Code.UNKNOWN, Code.IN_PROGRESS]) is Code.UNKNOWN
    assert worst([Code.UNKNOWN, Code.FAILED, Code.CURRENT]) is Code.FAILED
