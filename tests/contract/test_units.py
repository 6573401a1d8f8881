"""Units on disk and what becomes of them: the same claims on every backend."""

from __future__ import annotations

from tests.contract.harness import Harness
from tests.contract.real import RealHarness


def test_a_release_is_installed_by_install_and_by_nothing_else(harness: Harness):
    release = harness.make_release()
    assert not harness.services.is_installed(release)
    harness.services.install(release)
    assert harness.services.is_installed(release)
    harness.services.install(release)
    assert harness.services.is_installed(release)


def test_tampering_is_seen_and_healed(harness: Harness):
    release = harness.make_release()
    harness.services.install(release)
    harness.tamper(release)
    assert not harness.services.is_installed(release)
    harness.services.install(release)
    assert harness.services.is_installed(release)


def test_healing_the_unit_leaves_the_process_alone(real: RealHarness):
    release = real.make_release(socketActivation=True)
    before = real.run(release)
    real.tamper(release)
    real.services.install(release)
    assert real.answer(release)["pid"] == before["pid"]


def test_a_forgotten_release_is_no_longer_installed_and_the_others_are(harness: Harness):
    old, new = harness.make_release(), harness.make_release()
    for release in (old, new):
        harness.services.install(release)
    harness.services.forget([old.id])
    assert not harness.services.is_installed(old)
    assert harness.services.is_installed(new)


def test_units_lists_what_is_on_disk_whole_or_not(real: RealHarness):
    old, new = real.make_release(), real.make_release()
    for release in (old, new):
        real.services.install(release)
    real.tamper(old)
    assert real.services.units() == {old.id, new.id}
    real.services.forget([old.id])
    assert real.services.units() == {new.id}


def test_a_process_whose_unit_was_forgotten_is_listed_and_can_be_stopped(real: RealHarness):
    release = real.make_release()
    real.run(release)
    real.services.forget([release.id])
    assert [each.release for each in real.services.processes()] == [release.id]
    real.services.stop(release.id)
    assert real.services.processes() == ()
