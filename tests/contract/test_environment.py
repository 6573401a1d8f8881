"""What a program is given: on real processes only."""

from __future__ import annotations

from pathlib import Path

from agent.names import sha
from tests.contract.real import RealHarness
from tests.process import Background

HOSTILE = {
    "PERCENT": "%h %i %% 100%",
    "DOLLAR": "$HOME ${HOME} $$",
    "QUOTES": "\"double\" 'single' `back`",
    "BACKSLASH": "\\n \\x41 \\",
    "BLANKS": "  two  before, after  ",
    "TAB": "a\tb",
    "SIGNS": "; | & # = [Service] ~",
    "UNICODE": "Grüße, 世界",
    "EMPTY": "",
}


def test_a_program_learns_its_port_mode_revision_and_environment(real: RealHarness):
    release = real.make_release()
    told = real.run(release)
    environ, venv = told["environ"], str(real.paths.venv(release.venv))
    expected = {
        "MODE": "",
        "HOST": "127.0.0.1",
        "PORT": str(release.spec.service.port),
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(release.spec.service.port),
        "REVISION": sha(release.app_revision),
        "GITOPS_REVISION": sha(release.revision),
        "RELEASE": release.id,
        "VIRTUAL_ENV": venv,
    }
    assert {name: environ.get(name) for name in expected} == expected
    assert environ["PATH"].split(":")[0] == f"{venv}/bin"
    assert "LISTEN_FDS" not in environ
    assert told["cwd"] == str(real.paths.tree(release.id).resolve())


def test_hostile_values_and_arguments_reach_the_program_unchanged(real: RealHarness):
    arguments = [*HOSTILE.values(), "-x", ";"]
    release = real.make_release(*arguments, env=HOSTILE)
    told = real.run(release)
    assert told["argv"][1:] == arguments
    assert {name: told["environ"].get(name) for name in HOSTILE} == HOSTILE


def test_the_environment_file_of_this_vm_wins_and_may_be_absent(real: RealHarness):
    release = real.make_release(env={"COLOUR": "red"})
    assert real.run(release)["environ"]["COLOUR"] == "red"
    real.services.stop(release.id)
    real.paths.environment.parent.mkdir(parents=True, exist_ok=True)
    real.paths.environment.write_text("# of this VM\nCOLOUR=blue\nTOKEN='with blanks'\n")
    try:
        environ = real.run(release)["environ"]
    finally:
        real.paths.environment.unlink()
    assert (environ["COLOUR"], environ["TOKEN"]) == ("blue", "with blanks")


def test_a_program_that_is_not_there_is_named_as_such(real: RealHarness):
    release = real.make_release(exec=["no-such-program"])
    real.services.install(release)
    real.services.start(release)
    exits = lambda: [each.exit for each in real.services.processes() if each.exit]  # noqa: E731
    assert real.wait(exits, "an end") == ["exited with status 127 (no such program)"]


def test_the_log_holds_what_the_program_printed(real: RealHarness):
    first, second = real.make_release("--a"), real.make_release("--b")
    for release in (first, second):
        real.run(release)
    real.wait(lambda: "started with --a" in real.services.logs(first.id, 10), "the line of the first")
    real.wait(lambda: "started with --b" in real.services.logs(None, 100), "the line of the second")
    assert "started with --b" not in real.services.logs(first.id, 100)
    assert len(real.services.logs(None, 1).splitlines()) == 1


def test_following_the_log_shows_so_many_old_lines_then_what_a_later_release_prints(real: RealHarness, tmp_path: Path):
    for flag in ("--first", "--second", "--before"):
        real.run(real.make_release(flag))
        real.wait(lambda flag=flag: f"started with {flag}" in real.services.logs(None, 100), "its line")
    follower = Background(*real.services.follow_argv(1), log=tmp_path / "seen")
    try:
        real.wait(lambda: "started with --before" in (tmp_path / "seen").read_text(), "the line of the first")
        real.run(real.make_release("--later"))
        real.wait(lambda: "started with --later" in (tmp_path / "seen").read_text(), "the line of the second")
    finally:
        follower.stop()
    seen = [line for line in (tmp_path / "seen").read_text().splitlines() if "started with" in line]
    assert [line.rpartition("--")[2] for line in seen] == ["before", "later"]
