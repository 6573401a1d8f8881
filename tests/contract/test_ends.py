"""How a program ends, and what hangs: on real processes only."""

from __future__ import annotations

from agent.host import proc
from agent.observed import CROWDED, Phase, Process
from agent.release import Release
from tests.contract.harness import process_of
from tests.contract.real import RealHarness
from tests.ports import free_port


def test_a_stopped_release_frees_its_port_although_a_child_in_another_session_ignores_sigterm(real: RealHarness):
    release = real.make_release("--child")
    real.run(release)
    port = release.spec.service.port
    assert proc.is_listening(port)
    real.services.stop(release.id)
    assert not proc.is_listening(port)


def test_a_program_that_ignores_sigterm_is_killed_after_its_grace(real: RealHarness):
    release = real.make_release("--deaf", terminationGracePeriodSeconds=1)
    pid = real.run(release)["pid"]
    real.services.stop(release.id)
    assert not proc.is_running(pid)
    assert real.services.processes() == ()


def test_a_crash_leaves_no_child_behind_to_keep_the_port(real: RealHarness):
    release = real.make_release("--child")
    first = real.run(release)["pid"]
    real.crash(release)
    assert real.wait(lambda: _other_answer(real, release, first), "an answer of the next process")


def test_a_program_that_never_says_ready_stays_activating_though_it_answers(real: RealHarness):
    release = real.make_release(notify=True)
    pid = real.run(release)["pid"]
    process = _process(real, release)
    assert (process.phase, process.pid, process.restarts) == (Phase.ACTIVATING, pid, 0)


def test_only_the_main_process_can_say_ready(real: RealHarness):
    release = real.make_release("--child-says-ready", notify=True)
    real.run(release)
    assert _process(real, release).phase is Phase.ACTIVATING


def test_a_program_that_feeds_its_watchdog_is_left_alone_and_one_that_hangs_is_restarted(real: RealHarness):
    fed = real.make_release("--ready", notify=True, watchdog="1s")
    hung = real.make_release("--ready", notify=True, watchdog="1s")
    first = real.run(fed)["pid"]
    real.run(hung)
    real.answer(hung, "/hang")
    ended = real.wait(lambda: _restarted(real, hung), "a counted restart")
    assert ended.exit == "missed its watchdog and was ended"
    assert real.wait(lambda: _process(real, hung).phase is Phase.RUNNING, "a running process again")
    assert _process(real, fed).pid == first  # several of its deadlines have passed meanwhile


def test_a_program_that_says_it_hangs_is_restarted_though_it_feeds_its_watchdog(real: RealHarness):
    release = real.make_release("--ready", notify=True, watchdog="30s")
    real.run(release)
    real.answer(release, "/trigger")
    ended = real.wait(lambda: _restarted(real, release), "a counted restart")
    assert ended.exit == "missed its watchdog and was ended"


def test_one_that_opens_a_port_by_itself_which_the_one_beside_it_has_says_so(real: RealHarness):
    own, port = free_port(), free_port()
    first, second = (real.make_launched(port=port) for _ in range(2))
    for each in (first, second):
        (real.paths.tree(each.id) / "opens").write_text(str(own))
    real.make_current(first)
    real.run(first)
    real.services.install(second)
    real.services.start(second)
    assert real.wait(lambda: (each := process_of(real, second)) and each.exit, "its end") == CROWDED


def test_what_a_program_said_last_is_told_with_its_end(real: RealHarness):
    release = real.make_release("--says-why", notify=True)
    real.services.install(release)
    real.services.start(release)
    ended = real.wait(lambda: _ended(real, release), "its end")
    assert (ended.exit, ended.said) == ("exited with status 4", "the [31mtable MainPID=1 is missing é")
    assert ended.pid is None
    again = real.wait(lambda: (each := _process(real, release)).restarts > 1 and each.exit and each, "its next end")
    assert again.said == ended.said


def test_what_a_program_says_while_it_runs_explains_no_end_before_it(real: RealHarness):
    release = real.make_release("--ready", notify=True)
    real.run(release)
    running = real.wait(lambda: (each := _process(real, release)).phase is Phase.RUNNING and each, "its READY=1")
    assert (running.exit, running.said) == ("", "")
    real.crash(release)
    assert real.wait(lambda: _ended(real, release), "its end").said == "serving"


def test_the_launcher_says_for_an_app_why_it_ends(real: RealHarness):
    release = real.make_launched(port=free_port())
    (real.paths.tree(release.id) / "crashes").touch()
    real.services.install(release)
    real.services.start(release)
    ended = real.wait(lambda: _ended(real, release), "its end")
    assert (ended.exit, ended.said) == ("exited with status 1", "it crashes")


def _ended(real: RealHarness, release: Release) -> Process | None:
    process = _process(real, release)
    return process if process.exit else None


def _process(real: RealHarness, release: Release) -> Process:
    process = process_of(real, release)
    assert process
    return process


def _restarted(real: RealHarness, release: Release) -> Process | None:
    process = _process(real, release)
    return process if process.restarts else None


def _other_answer(real: RealHarness, release: Release, than: int) -> bool:
    return real.answer(release)["pid"] != than
