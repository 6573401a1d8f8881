from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent import ledger
from agent.desired import parse
from agent.errors import AgentError, Broken, Reason, Stalled, Transient
from agent.ledger import Ledger
from agent.names import VenvId, make_revision
from agent.observed import Cure
from agent.release import Release, make_release

SPEC = parse(b"apiVersion: gitops-vm/v1\napp: a\nservice: {exec: x, port: 8010}\n", host="h")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def release(digit: str) -> Release:
    revision = make_revision("main", digit * 40)
    return make_release(revision=revision, app_revision=revision, spec=SPEC, venv=VenvId("0" * 16), secrets="")


OLD, NEW = release("a"), release("b")


def test_what_is_written_is_read_again() -> None:
    full = (
        Ledger()
        .accept(NEW)
        .confirm(OLD.id)
        .weigh(OLD.kind, 1000)
        .start(NEW, NOW)
        .reject(NEW, Reason.HEALTH_CHECK_FAILED, "GET / answered 500", NOW)
        .fail(OLD.id, "Build", Transient(Reason.INDEX_UNREACHABLE, "no network", hint="wait"), NOW)
    )

    assert ledger.from_json(full.to_json()) == full
    assert ledger.from_json(Ledger().to_json()) == Ledger()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"accepted": 1}', "null"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        ledger.from_json(text)


def test_a_start_that_was_asked_for_is_somebodys_once_and_for_two_hours() -> None:
    asked = Ledger().ask("restart", "ada", NOW)
    assert ledger.from_json(asked.to_json()) == asked

    theirs = asked.start(OLD, NOW + timedelta(minutes=1))
    assert theirs.last_start
    assert theirs.last_start.asked == asked.asked
    assert ledger.from_json(theirs.to_json()) == theirs

    for other in (theirs.start(OLD, NOW + timedelta(minutes=2)), asked.start(OLD, NOW + timedelta(hours=2))):
        assert other.last_start
        assert other.last_start.asked is None


def test_starts_in_a_row_are_counted_until_it_proves_healthy() -> None:
    twice = Ledger().start(NEW, NOW).start(NEW, NOW + timedelta(seconds=5))
    assert twice.last_start
    assert twice.last_start.count == 2

    other = twice.start(OLD, NOW)
    assert other.last_start
    assert other.last_start.count == 1

    well = twice.confirm(NEW.id)
    assert well.last_start
    assert well.last_start.count == 0


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (Transient(Reason.INDEX_UNREACHABLE, "x"), Cure.TIME),
        (Stalled(Reason.BUILD_FAILED, "x"), Cure.PUSH),
        (Broken(Reason.DISK_FULL, "x"), Cure.OPERATOR),
    ],
)
def test_the_class_of_an_error_says_who_can_cure_it(error: AgentError, cure: Cure) -> None:
    failure = Ledger().fail(NEW.id, "Build", error, NOW).failure

    assert failure
    assert failure.cure is cure


def test_impatience_forgets_pauses_and_no_rejection() -> None:
    before = (
        Ledger()
        .start(NEW, NOW)
        .reject(NEW, Reason.BUILD_FAILED, "x", NOW)
        .fail(OLD.id, "Build", Transient(Reason.INDEX_UNREACHABLE, "x"), NOW)
    )

    after = before.impatient()

    assert after.failure is None
    assert after.last_start
    assert after.last_start.count == 0
    assert NEW.id in after.rejected


def test_old_entries_go() -> None:
    many = Ledger()
    for number in range(ledger.MOST + 5):
        revision = make_revision("main", f"{number:040x}")
        each = make_release(revision=revision, app_revision=revision, spec=SPEC, venv=VenvId("0" * 16), secrets="")
        many = many.confirm(each.id).reject(each, Reason.BUILD_FAILED, "x", NOW).weigh(f"kind {number}", number)

    assert len(many.rejected) == len(many.good) == len(many.sizes) == ledger.MOST
    assert many.weigh("kind 20", 7).sizes["kind 20"] == 7
    assert each.id in many.rejected
    assert many.good[-1] == each.id


def test_a_retry_forgets_the_rejection_of_that_release_alone() -> None:
    before = Ledger().reject(OLD, Reason.BUILD_FAILED, "x", NOW).reject(NEW, Reason.BUILD_FAILED, "x", NOW)

    assert before.retry(NEW.id).rejected.keys() == {OLD.id}
