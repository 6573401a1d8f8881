"""The examples of docs/api.md do what it says, and its tables leave nothing out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.backends.words import OF_STATUS
from tests.app.running import App
from tests.app.venvs import ROOT
from tests.process import run

pytestmark = pytest.mark.app

PAGE = (ROOT / "docs" / "api.md").read_text()
ADDRESS = "http://127.0.0.1:8010"
CALLS = re.findall(r"```sh\n(.*?)```\n```json\n(.*?)```", PAGE, re.DOTALL)


def same_shape(said: Any, shown: Any) -> bool:
    """Whether everything shown is in what was said; labels and numbers may differ."""
    if isinstance(shown, list):
        return isinstance(said, list) and all(map(same_shape, said, shown))
    if isinstance(shown, dict):
        return isinstance(said, dict) and all(key in said and same_shape(said[key], shown[key]) for key in shown)
    return type(said) is type(shown)


@pytest.mark.parametrize(("call", "shown"), CALLS, ids=lambda text: text.strip()[:60])
def test_each_call_gets_what_is_shown(onnx_app: App, call: str, shown: str) -> None:
    said = json.loads(run("sh", "-c", call.replace(ADDRESS, onnx_app.url)))
    assert same_shape(said, json.loads(shown)), said


def test_the_program_gets_its_answers(onnx_app: App, onnx_python: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    said = run(onnx_python, "-c", program.replace(ADDRESS, onnx_app.url), cwd=ROOT)
    assert said.startswith("fear ")
    assert len(said.split()) > 3


def test_every_call_of_the_page_is_tried() -> None:
    assert len(CALLS) == PAGE.count("```sh") == 5


def test_a_model_that_desired_state_recommends_can_run_with_the_lock_it_names() -> None:
    declared = (ROOT / "desired-state.yaml").read_text()
    (model,) = re.findall(r"# env: \{.*MODEL: ([^,}]+)", declared)
    files = re.search(rf"^\| `{model}` \|[^|]*\|([^|]*)\|", (ROOT / "docs/models.md").read_text(), re.MULTILINE)
    assert files, f"docs/models.md does not know {model}"
    assert "ONNX" in files[1] or "needs requirements/local.txt" in declared


def test_every_reason_and_every_variable_is_explained() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "app").rglob("*.py"))
    made = re.findall(r'(?:Failure|Problem)\(\s*(?:reason=)?"(\w+)"', code)
    told = re.findall(r'(?<!cast)\(\s*"([A-Z][a-z]+[A-Z]\w+)",', code)
    reasons = {meaning[0] for meaning in OF_STATUS.values()} | {*made, *told}
    assert reasons > {"Busy", "Loading", "Stopping", "TooLong", "UpstreamDown"}
    assert not {reason for reason in reasons if f"`{reason}`" not in PAGE}
    variables = set(
        re.findall(r'"((?:API|HF|HUGGING|THOUGHT)_\w+|FALLBACK|MODE)"', (ROOT / "app/config.py").read_text())
    )
    assert {"API_TIMEOUT", "FALLBACK", "HF_TOKEN"} <= variables
    assert not {name for name in variables if f"`{name}`" not in PAGE}
