"""A model becomes int8 only where int8 says the same."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from app.config import TINY_MODEL
from app.conversion.gate import judged
from tests.app.test_answers import direct
from tests.app.venvs import ROOT, python_for
from tests.process import Failed, run

MINUTES = timedelta(minutes=4)
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="session")
def convert_python() -> Path:
    return python_for("convert")


@pytest.mark.app
def test_the_tiny_model_is_converted_and_the_int8_form_says_the_same(convert_python: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = run(convert_python, "-m", "app.convert", TINY_MODEL, out, env=ENVIRONMENT, within=MINUTES)
    assert said.startswith("int8 passed: 120 texts")
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["int8"]["passed"]
    assert manifest["int8"]["worst"] <= manifest["int8"]["bound"]
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}
    assert manifest["sha256"] == {name: digest for name, digest in digests.items() if name != "manifest.json"}
    assert (out / "model_int8.onnx").stat().st_size < (out / "model.onnx").stat().st_size / 2
    text = ["I am scared of the dark, and nobody is home."]
    assert direct(convert_python, "direct_onnx.py", text, out)[0] == pytest.approx(
        direct(convert_python, "direct_onnx.py", text)[0], abs=1e-4
    )


@pytest.mark.app
def test_a_bad_quantisation_is_refused_and_fp32_is_what_is_left(convert_python: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "model_int8.onnx").write_text("of an earlier conversion")
    (out / "README.md").write_text("ours")
    said = run(convert_python, ROOT / "tests/app/convert_tiny.py", out, env=ENVIRONMENT, within=MINUTES)
    assert said.startswith("REFUSED")
    assert (out / "README.md").read_text() == "ours"
    assert {path.name for path in out.glob("*.onnx")} == {"model.onnx"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert not manifest["int8"]["passed"]
    assert "model_int8.onnx" not in manifest["sha256"]


@pytest.mark.app
def test_an_export_that_says_something_else_leaves_everything_as_it_was(convert_python: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "model_int8.onnx").write_text("of an earlier conversion")
    with pytest.raises(Failed, match=r"Refused: model\.onnx does not say what torch says"):
        run(convert_python, ROOT / "tests/app/convert_tiny.py", out, "-1", env=ENVIRONMENT, within=MINUTES)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in out.iterdir()] == ["model_int8.onnx"]


@pytest.mark.app
def test_a_foreign_model_says_in_a_padded_batch_what_the_pipeline_says_of_each_text_alone(
    convert_python: Path, tmp_path: Path
) -> None:
    """RoBERTa: its padding has another number and moves the positions; the labels do not exclude each other."""
    script = ROOT / "tests/app/foreign_model.py"
    said = run(convert_python, script, tmp_path, env=ENVIRONMENT, within=MINUTES)
    found = json.loads(said[said.index('{"alone"') :])
    for backend in ("torch", "onnx"):
        for alone, together in zip(found["alone"], found[backend], strict=True):
            assert together == pytest.approx(alone, abs=1e-4)
    assert any(abs(sum(scores.values()) - 1) > 0.1 for scores in found["alone"])
    assert len(found["endless"][0]) == 3


@pytest.mark.app
def test_what_is_no_model_is_refused_in_a_line(convert_python: Path, tmp_path: Path) -> None:
    with pytest.raises(Failed) as refused:
        run(convert_python, "-m", "app.convert", tmp_path, tmp_path / "out", env=ENVIRONMENT, within=MINUTES)
    assert refused.value.code == 2
    assert "Traceback" not in refused.value.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("found", "passes"),
    [({"joy": 0.9, "fear": 0.1}, True), ({"joy": 0.86, "fear": 0.14}, True), ({"joy": 0.84, "fear": 0.16}, False)],
)
def test_shares_may_differ_by_so_much(found: dict[str, float], *, passes: bool) -> None:
    assert judged([{"joy": 0.9, "fear": 0.1}], [found], bound=0.05).passed is passes


def test_a_label_may_change_only_where_it_hardly_led() -> None:
    before, after = {"joy": 0.56, "fear": 0.44}, {"joy": 0.49, "fear": 0.51}
    assert judged([before], [after], bound=0.1).flipped == 1
    close = {"joy": 0.51, "fear": 0.49}
    assert judged([close], [after], bound=0.1).passed
