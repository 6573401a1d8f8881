"""The app of this repository, in the mode that needs no account: a model on the VM, and a page of Gradio's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.vm.switch.user_apps import PLAIN, UserApp
from tests.vm.test_deploy import ROOT, app_files

QUICKLY = "sync: {interval: 2s}\nrollout: {soak: 4s}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnApp(UserApp):
    def files(self, port: int, version: str) -> dict[str, str | bytes]:
        state = re.sub(r"(?m)^  port: \d+$", f"  port: {port}", (ROOT / "desired-state.yaml").read_text())
        return {**app_files(), "desired-state.yaml": state + QUICKLY, self.source: f"version {version}\n"}

    def mark(self, version: str, revision: str) -> str:
        return revision


MOOD = OwnApp(
    name="app (local)",
    source="notes.txt",
    release=r'"revision": ?"(\w+)"',
    load=(*PLAIN, "--path", "/version", "--call", "analyze", '["What a day"]', "--calls", "2", "--pages", "1"),
)
