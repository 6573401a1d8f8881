"""What is told while something is done for the release that stands: never that all is well."""

from __future__ import annotations

from agent.errors import Reason
from agent.steps import Prune
from tests.core.observing import NEW, OLD, STRANGER, decided, failed, vm
from tests.core.test_plan_build import at_work


def test_clearing_up_during_a_build_is_told_as_the_build():
    todo = decided(at_work(remains=frozenset({STRANGER.id})))

    assert isinstance(todo.steps[0], Prune)
    assert (todo.reason, todo.target) == (Reason.PROGRESSING, OLD)
    assert todo.message.startswith("building main@sha1:6e657700 (12 s)")


def test_clearing_up_while_a_failed_step_waits_is_told_as_the_failure():
    todo = decided(vm(runs=OLD, failure=failed("Start"), remains=frozenset({STRANGER.id})), NEW)

    assert isinstance(todo.steps[0], Prune)
    assert (todo.reason, todo.message, todo.target) == (Reason.BUILD_FAILED, "it failed", OLD)
