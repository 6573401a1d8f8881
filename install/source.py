# ruff: noqa: INP001 - sent as text to the machine it runs on: no package
"""source.py FILE <JSON: write what the laptop wants into source.yaml; what else stands there stays, and so do its comments
where nothing changes. Runs on the VM with the agent's own Python. Prints JSON: `state` (ok, changed or invalid) and more.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from agent import source
from agent.desired import InvalidSpec
from agent.host import command, files

_NAMES = {"index-url": "index", "extra-index-url": "extraIndex", "find-links": "findLinks"}
_WEB = re.compile(r"https?://[^@\s]+")


def main(file: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    """Raises InvalidSpec for what the agent would not read."""
    written = file.read_bytes() if file.exists() else b""
    before = yaml.safe_load(written) or {}
    after = {"apiVersion": "gitops-vm/v1", **wanted["defaults"], **before, **wanted["fixed"]}
    if "status" in wanted["fixed"] and isinstance(before.get("status"), dict):
        after["status"] = {**before["status"], **wanted["fixed"]["status"]}
    if not after.get("packages"):
        after["packages"] = packages_of_pip()
    text = yaml.safe_dump(after, sort_keys=False, allow_unicode=True).encode()
    chosen = source.parse(text)
    changed = not written or source.parse(written) != chosen
    if changed and not wanted.get("dry"):
        files.write(file, text.decode(), mode=0o600)
    state = ("would change" if wanted.get("dry") else "changed") if changed else "ok"
    return {
        "state": state,
        "host": chosen.host,
        "url": chosen.url,
        "ref": chosen.ref.full,
        "status": chosen.status.branch,
        "statusURL": chosen.status.url or "",
    }


def packages_of_pip() -> dict[str, Any]:
    """What pip on this machine is set to, as far as source.yaml can hold it: uv does not read pip's configuration."""
    listing = command.run([sys.executable, "-m", "pip", "config", "list"], deadline=timedelta(seconds=30)).text
    found: dict[str, list[str]] = {}
    # pip lists its files first and its environment last, which wins.
    for name, value in re.findall(r"(?m)^\S+?\.([a-z-]+)=(.*)$", listing):
        if name in _NAMES:
            found[_NAMES[name]] = [place for word in ast.literal_eval(value).split() if (place := _place(name, word))]
    index = {"index": found["index"][0]} if found.get("index") else {}
    return {**index, **{name: found[name] for name in ("extraIndex", "findLinks") if found.get(name)}}


def _place(name: str, word: str) -> str:
    """A URL without credentials, or a folder that is there where a folder may stand; else nothing."""
    folder = word.removeprefix("file://")
    if name == "find-links" and Path(folder).is_absolute():
        return folder if Path(folder).is_dir() else ""
    return word if _WEB.fullmatch(word) else ""


try:
    answer = main(Path(sys.argv[1]), json.load(sys.stdin))
except InvalidSpec as invalid:
    answer = {"state": "invalid", "message": str(invalid)}
json.dump(answer, sys.stdout)
