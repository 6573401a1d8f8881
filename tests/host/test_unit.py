"""The unit of a release, and its rendering: pure, so tried with every value that could break out of its line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import source as source_file
from agent.desired import parse
from agent.host.supervisor import unit_json
from agent.host.vm import whence_of
from agent.names import VenvId, make_revision
from agent.paths import Paths, locate
from agent.release import Release, make_release
from agent.unit import Address, Unit, Whence, unit_of
from agent.unit_file import drop_in, listen_drop_in

PATHS = locate({"HOME": "/home/mood"}, uid=1001)
LINES = st.text(st.characters(blacklist_categories=["Cc", "Cs"]) | st.just("\t"))


def release_of(
    *, path: str = ".", url: str = "", mode: str = "", models: Any = (), strategy: str = "auto", **service: Any
) -> Release:
    declared = {
        "rollout": {"strategy": strategy},
        "apiVersion": "gitops-vm/v1",
        "app": "mood",
        "mode": mode,
        "source": {"path": path, **({"url": url} if url else {})},
        "models": list(models),
        "service": ({} if "asgi" in service else {"exec": "python -m app"}) | {"port": 8010} | service,
    }
    spec = parse(json.dumps(declared).encode(), host="vm-1")
    config, app = make_revision("main", "c" * 40), make_revision("v1", "a" * 40)
    return make_release(revision=config, app_revision=app, spec=spec, venv=VenvId("feed" * 4), secrets="")


def rendered(**service: Any) -> list[str]:
    return drop_in(unit_of(release_of(**service), PATHS)).splitlines()


def unescaped(word: str) -> str:
    """What systemd makes of a quoted word: systemd.syntax(7), systemd.unit(5) "Specifiers"."""
    assert word[0] == word[-1] == '"'
    text, plain = word[1:-1].replace("%%", "%"), ""
    while text:
        if text[0] == "\\":
            plain, text = plain + {"\\": "\\", '"': '"', "t": "\t"}[text[1]], text[2:]
        else:
            assert text[0] != '"'
            plain, text = plain + text[0], text[1:]
    return plain


def test_a_release_runs_in_its_own_tree_with_its_own_venv_first():
    release = release_of(path="services/web", mode="api", env={"LOG_LEVEL": "info"})
    unit = unit_of(release, PATHS)
    home = "/home/mood/.local/share/gitops-vm"
    assert unit.cwd == f"{home}/releases/{release.id}/tree/services/web"
    assert unit.argv == ("/usr/bin/env", "python", "-m", "app")
    assert unit.env["PATH"].startswith(f"{home}/venvs/{release.venv}/bin:")
    assert (unit.env["MODE"], unit.env["PORT"], unit.env["LOG_LEVEL"]) == ("api", "8010", "info")
    assert (unit.env["REVISION"], unit.env["GITOPS_REVISION"]) == ("a" * 40, "c" * 40)
    assert unit.env_file == "/home/mood/.config/gitops-vm/env"


def test_a_release_is_told_where_its_code_is_and_where_the_evidence_of_it_is():
    whence = Whence("git@host.example:acme/mood.git", "status/vm-1")
    env = unit_of(release_of(env={"LOG_LEVEL": "info"}), PATHS, whence).env
    assert (env["REPOSITORY_URL"], env["STATUS_BRANCH"]) == whence
    assert env["LOG_LEVEL"] == "info"
    elsewhere = unit_of(release_of(url="https://host.example/acme/app.git"), PATHS, whence).env
    assert elsewhere["REPOSITORY_URL"] == "https://host.example/acme/app.git"
    assert "STATUS_BRANCH" not in elsewhere
    assert not {"REPOSITORY_URL", "STATUS_BRANCH"} & unit_of(release_of(), PATHS).env.keys()


@pytest.mark.parametrize(
    ("status", "branch"),
    [
        ({}, "status/vm-1"),
        ({"branch": "status/other"}, "status/other"),
        ({"url": "git@host.example:acme/evidence.git"}, ""),
        ({"url": "git@host.example:acme/mood.git"}, "status/vm-1"),
    ],
)
def test_the_branch_of_the_evidence_is_named_where_it_is_in_the_same_repository(status: dict[str, str], branch: str):
    url = "git@host.example:acme/mood.git"
    source = {"apiVersion": "gitops-vm/v1", "host": "vm-1", "url": url, "status": status}
    assert whence_of(source_file.parse(json.dumps(source).encode())) == Whence(url, branch)


def test_a_release_finds_its_own_models_offline_unless_it_says_otherwise():
    model = {"repo": "acme/mood", "revision": "b" * 40}
    release = release_of(models=[model])
    env = unit_of(release, PATHS).env
    home = "/home/mood/.local/share/gitops-vm"
    assert (env["HF_HUB_CACHE"], env["HF_HUB_OFFLINE"]) == (f"{home}/releases/{release.id}/hub", "1")
    online = unit_of(release_of(models=[model], env={"HF_HUB_OFFLINE": "0"}), PATHS).env
    assert online["HF_HUB_OFFLINE"] == "0"
    assert not [name for name in unit_of(release_of(), PATHS).env if name.startswith("HF_")]


def test_only_an_app_that_takes_the_socket_has_one():
    assert unit_of(release_of(), PATHS).listen is None
    unit = unit_of(release_of(socketActivation=True, host="::"), PATHS)
    assert unit.listen == Address("::", 8010)
    assert "ListenStream=[::]:8010\n" in listen_drop_in(unit.listen)
    assert "Sockets=gitops-app.socket" in rendered(socketActivation=True)
    assert not any("Sockets" in line for line in rendered())


def test_a_program_that_is_handed_over_runs_under_the_launcher_which_is_waited_for():
    taking = {"exec": "serve --fd 3", "socketActivation": True}
    release = release_of(strategy="handover", **taking)
    unit = unit_of(release, PATHS)
    assert unit.argv[:2] == (f"{PATHS.venv(release.venv)}/bin/python", str(PATHS.launcher(release.id)))
    assert unit.argv[-6:] == ("--grace", "20", "exec", "serve", "--fd", "3")
    assert (unit.notify, unit.watchdog, unit.listen) == (True, None, Address("0.0.0.0", 8010))  # noqa: S104
    speaking = unit_of(release_of(strategy="handover", notify=True, watchdog="9s", **taking), PATHS)
    assert speaking.argv[-5:] == ("--notify", "exec", "serve", "--fd", "3")
    assert speaking.watchdog == timedelta(seconds=9)
    for strategy in ("auto", "restart"):
        assert unit_of(release_of(strategy=strategy, **taking), PATHS).argv == ("/usr/bin/env", "serve", "--fd", "3")


def test_a_crash_behind_the_socket_wakes_what_answers_visitors_and_a_program_that_takes_the_socket_sends_it_away_first():
    def hooks(**service: Any) -> list[str]:
        return [line.partition("=")[0] for line in rendered(**service) if "gitops-app-wake.service" in line]

    assert hooks() == []
    assert hooks(socketActivation=True) == ["ExecStartPre", "ExecStopPost"]
    assert hooks(asgi="app:app") == ["ExecStopPost"]


def test_only_an_app_that_says_ready_is_waited_for_and_watched():
    assert not any(line.startswith(("Type=", "WatchdogSec=")) for line in rendered())
    assert {"Type=notify", "WatchdogSec=1500ms"} <= {*rendered(notify=True, watchdog="1s500ms")}


def test_the_manager_waits_longer_than_the_agent_and_kills_after_the_declared_grace():
    patient = {"startupProbe": {"periodSeconds": 3600, "failureThreshold": 3600}, "terminationGracePeriodSeconds": 7}
    unit = unit_of(release_of(**patient), PATHS)
    assert unit.start_timeout > timedelta(seconds=3600 * 3600)
    assert unit.start_timeout > release_of(**patient).spec.rollout.timeout
    assert {"TimeoutStopSec=7000ms", f"TimeoutStartSec={(3600 * 3600 + 60) * 1000}ms"} <= {*rendered(**patient)}


@given(LINES)
def test_no_value_leaves_its_word(value: str):
    unit = _unit(argv=("/usr/bin/env", "run", value), env={"NAME": value})
    lines = drop_in(unit).split("\n")
    assert len(lines) == len(drop_in(_unit()).split("\n"))
    (command,) = (line for line in lines if line.startswith("ExecStart="))
    (variable,) = (line for line in lines if line.startswith("Environment="))
    assert unescaped(command.removeprefix('ExecStart=:/usr/bin/env "run" ')) == value
    assert unescaped(variable.removeprefix("Environment=")) == f"NAME={value}"


@pytest.mark.parametrize("sign", ["\n", "\r", "\0", "\x1b", "\x7f"])
@pytest.mark.parametrize("where", ["argv", "env", "cwd", "env_file", "description"])
def test_a_control_character_is_refused_wherever_it_stands(where: str, sign: str):
    evil = f"x{sign}ExecStart=/bin/evil"
    values: dict[str, Any] = {"argv": ("/usr/bin/env", evil), "env": {"NAME": evil}}
    with pytest.raises(ValueError, match="control character"):
        drop_in(_unit(**{where: values.get(where, evil)}))


@pytest.mark.parametrize("end", ["\\", " ", "%", "\\\\"])
def test_a_directory_ends_where_its_line_ends(end: str):
    lines = drop_in(_unit(cwd=f"/srv/app{end}")).splitlines()
    assert f"WorkingDirectory=/srv/app{end.replace('%', '%%')}/." in lines


@given(st.builds(lambda text: _unit(argv=("/usr/bin/env", text), env={"NAME": text}, cwd=text), LINES))
def test_the_supervisor_reads_back_the_unit_that_was_written(unit: Unit):
    assert unit_json.decode(unit_json.encode(unit)) == unit


def test_the_static_units_name_no_directory_but_the_home():
    for path in (Path(__file__).parents[2] / "systemd").iterdir():
        settings = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        assert not any(root in line for line in settings for root in ("/home", "/root", "/usr/local", "%S"))


def _unit(**changes: Any) -> Unit:
    values = {
        "release": "mood-0123456789ab",
        "description": "mood main@sha1:0",
        "argv": ("/usr/bin/env", "run"),
        "cwd": "/srv",
        "env": {"NAME": "value"},
        "env_file": "/etc/env",
        "listen": Address("127.0.0.1", 8010),
        "launched": False,
        "notify": True,
        "watchdog": timedelta(seconds=30),
        "start_timeout": timedelta(minutes=5),
        "stop_timeout": timedelta(milliseconds=1500),
    }
    return Unit(**(values | changes))


def test_paths_are_found_where_the_static_units_look(tmp_path: Path):
    paths: Paths = locate({"HOME": str(tmp_path)}, uid=1)
    home = paths.data.relative_to(tmp_path)
    for unit in ("boot", "wake"):
        text = (Path(__file__).parents[2] / "systemd" / f"gitops-app-{unit}.service").read_text()
        assert f"sh %h/{home}" in text
        for each in (paths.current, paths.state / "stopped"):
            assert f'"$1/{each.relative_to(paths.data)}"' in text
