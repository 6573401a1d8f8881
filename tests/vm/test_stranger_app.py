"""Somebody else's Gradio app, from their own repository, with desired-state.yaml beside it as the README says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.vm.machine import Machine
from tests.vm.product import NOT_YET, ROLLOUT, Product, condition, deployed, holds, is_ready

APP = """\
import gradio as gr

TITLE = "Celsius, please"


def celsius(fahrenheit):
    return round((fahrenheit - 32) * 5 / 9, 1)


demo = gr.Interface(fn=celsius, inputs=gr.Number(label="Fahrenheit"), outputs=gr.Number(label="Celsius"), title=TITLE)

demo.launch()
"""
REQUIREMENTS = "gradio\n"
README = Path(__file__).parents[2] / "README.md"
CAUGHT_UP = timedelta(minutes=4)

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def product(shared_machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with deployed(shared_machine, tmp_path_factory.mktemp("stranger")) as product:
        yield product


def declared(product: Product, source: str = "") -> str:
    """The example of the README, with the app's name and a port that is free on this machine."""
    (example,) = re.findall(r"(?s)```yaml\n# desired-state.yaml\n(.*?)```", README.read_text())
    (port,) = re.findall(r"(?m)^  port: (\d+)$", example)
    return example.replace("my-app", "celsius").replace(port, str(product.port)) + source


def test_a_first_deploy_that_cannot_run_is_told_plainly_and_tried_again(product: Product) -> None:
    """The owner has forgotten requirements.txt."""
    revision = product.push("first", {"app.py": APP, "desired-state.yaml": declared(product)})
    said = product.bootstrap()
    assert said.code == 1
    assert "ProcessExited: " in said.text
    told = product.until_published(lambda told: holds(told, "Stalled", "ProcessExited"), "the failure")
    assert holds(told, "Ready", "ProcessExited", status="False")
    message = condition(told, "Ready")["message"]
    assert "exited with status 1; it said \"ModuleNotFoundError: No module named 'gradio'\"" in message
    assert "no release has been healthy here yet" in message
    assert (told["lastAppliedRevision"], told["rejectedRevisions"]) == (None, [])
    assert "No module named 'gradio'" in product.agent("logs")
    tries = product.starts(revision)
    product.machine.wait_for(lambda: product.starts(revision) > tries + 1, "two more tries")


def test_the_push_of_what_was_missing_brings_it_up_without_a_hand(product: Product) -> None:
    _confirmed(product, product.push("requirements", {"requirements.txt": REQUIREMENTS}))
    assert _title(product) == "Celsius, please"
    assert _converted(product, 212) == 100.0


def test_a_push_of_the_app_is_live(product: Product) -> None:
    before = product.status()["environment"]
    _confirmed(product, product.push("a better title", {"app.py": APP.replace("please", "s'il vous plaît")}))
    assert _title(product) == "Celsius, s'il vous plaît"
    assert product.status()["environment"] == before


def test_an_app_of_another_repository_is_deployed_and_followed(product: Product) -> None:
    product.server.create("kelvin")
    kelvin = product.server.clone("kelvin", product.repo.path.with_name("kelvin"))
    first = kelvin.deploy("kelvin", {"src/app.py": APP.replace("Celsius", "Kelvin"), "requirements.txt": REQUIREMENTS})
    source = f"source: {{url: '{product.server.url('kelvin')}', path: src}}\n"
    _confirmed(product, product.push("another repository", {"desired-state.yaml": declared(product, source)}))
    assert (_title(product), _running_revision(product)) == ("Kelvin, please", first)
    second = kelvin.deploy("in German", {"src/app.py": APP.replace("Celsius, please", "Kelvin, bitte")})
    product.machine.wait_for(
        lambda: _running_revision(product) == second, "the push to the app's repository", within=ROLLOUT, unless=NOT_YET
    )
    product.until(is_ready, "Ready after it", within=ROLLOUT)
    assert _title(product) == "Kelvin, bitte"


def _confirmed(product: Product, revision: str) -> None:
    product.until(lambda told: is_ready(told) and told["activeRevision"].endswith(revision), revision, within=CAUGHT_UP)


def _title(product: Product) -> str:
    title: str = product.get("/config").json()["title"]
    return title


def _converted(product: Product, fahrenheit: float) -> Any:
    """Through Gradio's own API, as its page asks."""
    (endpoint,) = product.get("/gradio_api/info").json()["named_endpoints"]
    call = f"http://127.0.0.1:{product.port}/gradio_api/call{endpoint}"
    event = requests.post(call, json={"data": [fahrenheit]}, timeout=10).json()["event_id"]
    stream = requests.get(f"{call}/{event}", timeout=30).text
    (answer,) = json.loads(stream.partition("event: complete\ndata: ")[2].splitlines()[0])
    return answer


def _running_revision(product: Product) -> str:
    """What the process itself was given."""
    pid = product.show(product.status()["service"]["unit"], "MainPID")["MainPID"]
    environ = product.shell(f"tr '\\0' '\\n' < /proc/{pid}/environ")
    return environ.partition("\nREVISION=")[2].splitlines()[0]
