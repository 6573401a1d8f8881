"""`make mutation`: change the decision on purpose, in every way mutmut knows; some test must notice each change.

Works in a copy, with mutmut in a folder of its own under .cache: neither the checkout nor its environment is touched.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutation.survivors import LEDGER, Mutant, excused, mutant, verdict
from tests.process import run

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NEEDED = ("agent", "tests/core", "tests/reconcile", "tests/memory", "tests/conftest.py", "pyproject.toml")
LONGEST = timedelta(minutes=30)


def main() -> None:
    tool = _tool()
    with TemporaryDirectory() as place:
        copy = _copy(Path(place))
        _say("changing agent/plan, health, backoff and retention; a few minutes on two cores")
        tail = _mutmut(tool, copy, "run").splitlines()[-2:]
        alive = _alive(tool, copy)
    reasons = excused(LEDGER.read_text())
    _say(*(line.rpartition("\r")[2] for line in tail))
    if wrong := verdict(alive, reasons):
        sys.exit("\n".join(wrong))
    _say(f"{len(alive)} survive, each with its reason in {LEDGER.relative_to(ROOT)}")


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _tool() -> Path:
    """Where mutmut is; installed from its hash-locked list the first time, and when that list changes."""
    wanted = HERE / "requirements.txt"
    place = ROOT / ".cache" / f"mutation-{hashlib.sha256(wanted.read_bytes()).hexdigest()[:12]}"
    if not place.is_dir():
        aside = place.with_suffix(".part")
        shutil.rmtree(aside, ignore_errors=True)
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "--require-hashes", "--target", aside, "-r", wanted, within=LONGEST)
        aside.rename(place)
    return place


def _copy(place: Path) -> Path:
    for name in NEEDED:
        source, target = ROOT / name, place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    shutil.copy(HERE / "setup.cfg", place)
    return place


def _mutmut(tool: Path, copy: Path, *words: str) -> str:
    environ = {**os.environ, "PYTHONPATH": str(tool), "CI": ""}
    return run(sys.executable, "-m", "mutmut", *words, env=environ, cwd=copy, within=LONGEST)


def _alive(tool: Path, copy: Path) -> set[Mutant]:
    results = _mutmut(tool, copy, "results")
    names = re.findall(r"^\s*(\S+): (?:survived|no tests|suspicious)$", results, re.MULTILINE)
    return {mutant(name, _mutmut(tool, copy, "show", name)) for name in names}


if __name__ == "__main__":
    main()
