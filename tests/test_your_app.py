"""docs/your-app.md, followed to the letter: its files, its commands, and apps that are not ours at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import yaml

from agent.desired import parse
from tests.agent.conftest import Setup
from tests.demo import CHECKOUT
from tests.localvm import LocalVM
from tests.process import run
from tests.repo import ALONE, Repo, bare_repository
from tests.waiting import wait_for

pytestmark = [pytest.mark.app, pytest.mark.timeout(600)]

PAGE = (CHECKOUT / "docs" / "your-app.md").read_text()
INSTALLED = timedelta(minutes=4)


def followed(heading: str, *, port: int) -> str:
    """The blocks below a heading as one shell script: a block that begins with a file's name is written to it."""
    (section,) = re.findall(rf"(?ms)^## {heading}\n(.*?)(?=^## |\Z)", PAGE)
    script = ""
    for language, text in re.findall(r"(?ms)^```(sh|python|text|yaml)\n(.*?)^```$", section):
        if language == "sh":
            script += text
        elif name := re.match(r"# ([\w.-]+)\n", text):
            content = re.sub(r"(?m)^  port: \d+$", f"  port: {port}", text)
            script += f"cat > {name[1]} <<'END OF FILE'\n{content}END OF FILE\n"
    assert script
    return script


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    """A VM that follows a remote with our app in it, as `make demo` leaves them (tests/test_demo.py)."""
    remote = bare_repository(tmp_path / "remote.git")
    repo = Repo.clone(remote, tmp_path / "ours")
    repo.commit("ours", {"app/__init__.py": "", "requirements/onnx.txt": ""})
    repo.push()
    with LocalVM(tmp_path / "home", str(remote)) as vm:
        vm.start()
        yield Setup(vm, repo, remote)


def test_a_stranger_s_apps_replace_ours_by_the_words_of_the_page(setup: Setup, tmp_path: Path) -> None:
    vm = setup.vm
    environ = {**ALONE, "REMOTE": str(setup.remote)}

    script = followed("Try it on this machine", port=vm.port)
    pushing, looking = script[: script.index("git fetch")], script[script.index("git fetch") :]
    run("bash", "-eu", "-c", pushing, cwd=tmp_path, env=environ)
    mine = tmp_path / "my-app"
    wait_for(lambda: '"Shout"' in vm.get("/config"), "the page", within=INSTALLED)
    assert pressed(f"http://127.0.0.1:{vm.port}", "shout", "hello") == 'event: complete\ndata: ["HELLO!"]'
    vm.wait_condition("Ready", "True")
    wait_for(
        lambda: "Ready=True" in run("bash", "-eu", "-c", looking, cwd=mine, env=environ), "the branch that tells it"
    )
    assert not (mine / "app").exists()

    run("bash", "-eu", "-c", followed("What to write for which app", port=vm.port), cwd=mine, env=environ)
    wait_for(lambda: vm.get("/") == '"hello"', "the other app", within=INSTALLED)
    vm.wait_condition("Ready", "True")


def pressed(url: str, name: str, word: str) -> str:
    """What Gradio's API answers."""
    event = requests.post(f"{url}/gradio_api/call/{name}", json={"data": [word]}, timeout=10).json()["event_id"]
    return requests.get(f"{url}/gradio_api/call/{name}/{event}", timeout=30).text.strip()


def test_every_way_to_serve_that_the_page_names_is_one() -> None:
    rows = re.findall(r"(?m)^\| .* \| (`.*) \|$", PAGE[: PAGE.index("## What your app may know")])
    ways = [way for row in rows for way in re.findall(r"`((?:gradio|asgi|wsgi|exec): [^`]*)`", row)]
    assert {way.partition(":")[0] for way in ways} == {"gradio", "asgi", "wsgi", "exec"}
    (models,) = re.findall(r"(?ms)^# part of desired-state.yaml\n(.*?)^```$", PAGE)
    for way in ways:
        head = f"apiVersion: gitops-vm/v1\napp: any\nservice:\n  {way}\n  port: 8010\n"
        assert parse((head + models).encode(), host="vm-1").models
        assert yaml.safe_load(head)["service"].keys() == {way.partition(":")[0], "port"}
