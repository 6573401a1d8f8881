"""In every scenario the power fails, or only the agent is killed, before each effect. It ends as if it had not."""

from __future__ import annotations

import pytest

from tests.memory import MemoryHost, PowerCut
from tests.reconcile.drive import assert_runs
from tests.reconcile.scenarios import SCENARIOS, Happening, Scenario

ENDLESS = float("inf")
MORE_THAN_ANY = 10_000


def effects_of(scenario: Scenario) -> int:
    host = scenario.host()
    play(host, scenario, cut=MORE_THAN_ANY, reboot=False)
    return MORE_THAN_ANY - int(host.effects_left)


def play(host: MemoryHost, scenario: Scenario, *, cut: float, reboot: bool) -> None:
    host.effects_left = cut
    for happens, drive in scenario.story:
        happens(host)
        drive_through(host, drive, reboot=reboot)


def drive_through(host: MemoryHost, drive: Happening, *, reboot: bool) -> None:
    try:
        drive(host)
    except PowerCut:
        host.effects_left = ENDLESS
        if reboot:
            host.reboot()
        drive(host)


@pytest.mark.parametrize("reboot", [True, False], ids=["power cut", "agent killed"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_it_ends_the_same_wherever_it_is_cut(scenario: Scenario, reboot: bool):
    effects = effects_of(scenario)
    assert effects
    for cut in range(effects + 1):
        host = scenario.host()
        play(host, scenario, cut=cut, reboot=reboot)
        assert (host.effects_left == ENDLESS) == (cut < effects), "the cut happened exactly where it was meant to"
        assert_runs(host, scenario.serves)
        assert host.ledger.rejected.keys() == scenario.rejects
