"""Deploys of a small app, one generation after the other, with the real code of agent/host; and what must be on the disk of them.

`python -m tests.host.generations HOME WHEELS ACKNOWLEDGED` makes them until it is ended. What it has been told to be
durable it writes down in the last, which lies on another disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from itertools import count
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from agent import desired, ledger
from agent.host.ballast import Ballast
from agent.host.environment import Environments
from agent.host.records import Records
from agent.host.releases import Releases
from agent.names import make_revision
from agent.paths import locate
from agent.release import Release, make_release
from agent.source import Packages

KEPT = 2
"""So many generations stay on the disk."""

STATE = b"apiVersion: gitops-vm/v1\napp: mood\nservice: {exec: python app.py, port: 8010}\n"
FILES = 20


class Generations:
    """`wheels` is on a disk that loses nothing."""

    def __init__(self, home: Path, wheels: Path) -> None:
        self._paths = locate({"GITOPS_VM_HOME": str(home)}, uid=os.getuid())
        self._wheels = wheels
        self._environments = Environments(self._paths, Packages(findLinks=(str(wheels),)), os.environ)
        self._releases = Releases(self._paths)

    def make(self, number: int, acknowledged: Path | None = None) -> None:
        """Deploy it as a rollout does: environment, code, record, `current`, confirmation; and prune."""
        records = Records(self._paths.state / "ledger.json", Ballast(self._paths.state / "ballast"))
        release = self._build(number)
        records.write(records.ledger.accept(release))
        self._releases.promote(release.id)
        records.write(records.ledger.confirm(release.id))
        if acknowledged:
            aside = acknowledged.with_suffix(".aside")
            aside.write_text(str(number))
            aside.replace(acknowledged)
        self._prune(records)

    def check(self, acknowledged: int) -> int:
        """The generation that the disk is at: the last one that was acknowledged, or the one after it; all that counts is whole."""
        book = ledger.from_json((self._paths.state / "ledger.json").read_text())
        assert book.accepted
        accepted = _number(book.accepted)
        assert accepted in {acknowledged, acknowledged + 1}, accepted
        venvs = self._environments.complete()
        whole = self._releases.load(venvs)
        assert book.confirmed in whole
        assert _number(whole[book.confirmed]) in {acknowledged, accepted}
        current = self._releases.current()
        assert current in whole
        assert _number(whole[current]) in {acknowledged, accepted}
        for release in whole.values():
            assert _contents(self._paths.tree(release.id)) == _files("app", _number(release))
        for venv in venvs:
            self._check_packages(self._paths.venv(venv))
        return accepted

    def _check_packages(self, venv: Path) -> None:
        """Whole to the last byte: the package's own files are what the wheel held."""
        assert (venv / "pyvenv.cfg").read_text()
        (package,) = venv.glob("lib/python*/site-packages/load")
        number = int(json.loads((package / "0").read_text())["number"])
        assert _contents(package) == _files("load", number)

    def _build(self, number: int) -> Release:
        spec = desired.parse(STATE, host="vm-1")
        digest = hashlib.sha256(self._wheel(number).read_bytes()).hexdigest()
        files = {"requirements.txt": f"load=={number} --hash=sha256:{digest}\n".encode()}
        environment = self._environments.resolve(spec, files.get)
        self._environments.build(environment)
        revision = make_revision("main", f"{number:040x}")
        release = make_release(revision=revision, app_revision=revision, spec=spec, venv=environment.id, secrets="none")
        self._releases.build(release, lambda into: _write(into, _files("app", number)))
        return release

    def _prune(self, records: Records) -> None:
        kept = set(records.ledger.good[-KEPT:])
        known = self._releases.load(self._environments.complete())
        self._releases.remove(known.keys() - kept)
        self._environments.remove({known[each].venv for each in known.keys() - kept})

    def _wheel(self, number: int) -> Path:
        """The same to the last byte each time."""
        info, path = f"load-{number}.dist-info", self._wheels / f"load-{number}-py3-none-any.whl"
        content = {f"load/{name}": text for name, text in _files("load", number).items()} | {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: load\nVersion: {number}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": "",
        }
        with ZipFile(path, "w") as wheel:
            for name, text in content.items():
                wheel.writestr(ZipInfo(name), text)
        return path


def _files(kind: str, number: int) -> dict[str, str]:
    return {
        str(each): json.dumps({"kind": kind, "number": number, "file": each, "pad": "x" * 3000})
        for each in range(FILES)
    }


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def _number(release: Release) -> int:
    return int(release.revision.rpartition(":")[2], 16)


if __name__ == "__main__":
    home, wheels, acknowledged = map(Path, sys.argv[1:])
    generations = Generations(home, wheels)
    for number in count(1):
        generations.make(number, acknowledged)
