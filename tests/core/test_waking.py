from __future__ import annotations

from agent.paths import locate
from agent.waking import Wake, wake_of

PATHS = locate({"GITOPS_VM_HOME": "/home/vm"}, uid=0)
UNIT, WISH, END = PATHS.units / "gitops-app.socket", PATHS.requests / "look", PATHS.ends / "build"


def test_the_end_of_a_build_is_looked_at_and_asks_no_remote() -> None:
    for ours in (False, True):
        assert wake_of([END, PATHS.ends / ".build.1f"], PATHS, ours=ours) is Wake.LOOK


def test_what_somebody_wants_or_changes_is_asked_for_also_while_a_build_ends() -> None:
    for path in (WISH, PATHS.config / "source.yaml", UNIT):
        assert wake_of([path], PATHS, ours=False) is Wake.ASK
        assert wake_of([END, path], PATHS, ours=False) is Wake.ASK
    assert wake_of([WISH, UNIT], PATHS, ours=True) is Wake.ASK


def test_what_a_worker_does_to_the_units_is_an_echo() -> None:
    assert wake_of([UNIT], PATHS, ours=True) is Wake.ECHO
    assert wake_of([UNIT, END], PATHS, ours=True) is Wake.LOOK
