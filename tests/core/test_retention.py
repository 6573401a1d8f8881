"""What goes from the disk, and what stays."""

from __future__ import annotations

from agent.retention import prune
from agent.steps import Prune
from tests.core.observing import process, vm
from tests.memory import release_of, spec_of

KEEP = spec_of(keep=3)
RELEASES = tuple(release_of(f"release {number}", KEEP, venv=f"venv-{number}") for number in range(6))
IDS = tuple(each.id for each in RELEASES)
NEWEST = RELEASES[-1]


def pruned(**facts: object) -> frozenset[str]:
    steps = prune(NEWEST, vm(on_disk=RELEASES, **facts))
    return steps[0].releases if steps else frozenset()


def test_the_last_good_releases_stay_and_older_ones_go():
    assert pruned(good=IDS) == frozenset(IDS[:3])


def test_a_good_release_that_is_no_longer_whole_takes_no_place():
    assert pruned(good=(*IDS, "mood-gone")) == frozenset(IDS[:3])


def test_a_release_that_never_proved_good_goes():
    assert pruned(good=IDS[3:]) == frozenset(IDS[:3])


def test_what_runs_stays_and_so_does_what_a_reboot_starts_or_a_rollback_needs():
    kept = pruned(processes=(process(RELEASES[0]),), current=IDS[1], confirmed=IDS[2])

    assert kept == frozenset(IDS[3:5])


def test_a_release_that_waits_for_its_turn_stays():
    steps = prune(NEWEST, vm(on_disk=RELEASES), spared=RELEASES[1])

    assert steps[0].releases == frozenset(IDS[:5]) - {IDS[1]}
    assert steps[0].venvs == {"venv-0", "venv-2", "venv-3", "venv-4"}


def test_an_environment_stays_as_long_as_a_release_that_stays_uses_it():
    shared = (release_of("a", KEEP), release_of("b", KEEP), release_of("c", KEEP, venv="venv-2"))
    steps = prune(shared[0], vm(on_disk=shared))

    assert steps == (
        Prune(
            frozenset({shared[1].id, shared[2].id}), frozenset({"venv-2"}), frozenset(), "the last 3 good releases stay"
        ),
    )


def test_remains_and_unused_environments_go():
    tidy = {"on_disk": (NEWEST,), "good": (NEWEST.id,)}

    assert prune(NEWEST, vm(**tidy)) == ()
    assert prune(NEWEST, vm(**tidy, remains=frozenset({IDS[0]})))[0].releases == frozenset({IDS[0]})
    assert prune(NEWEST, vm(**tidy, venvs=frozenset({"venv-5", "venv-9"})))[0].venvs == frozenset({"venv-9"})


def test_the_remains_of_a_release_that_is_still_wanted_stay():
    assert prune(NEWEST, vm(on_disk=(NEWEST,), confirmed=IDS[0], remains=frozenset({IDS[0]}))) == ()


def test_a_model_stays_as_long_as_a_release_that_stays_or_waits_needs_it():
    mood, both = spec_of(keep=3, models=("mood",)), spec_of(keep=3, models=("mood", "thoughts"))
    runs, waits = release_of("runs", mood), release_of("waits", both)
    tidy = {"on_disk": (runs,), "good": (runs.id,), "models": waits.models}

    assert prune(runs, vm(**tidy), spared=waits) == ()
    assert prune(runs, vm(**tidy))[0].models == waits.models - runs.models
    begun = vm(on_disk=(runs,), good=(runs.id,), models=runs.models, partial_models=frozenset({"half"}))
    assert prune(runs, begun)[0] == Prune(
        frozenset(), frozenset(), frozenset({"half"}), "the last 3 good releases stay"
    )
