"""The app of this repository, in both modes: pages of Gradio's, and a model on the VM or at the service that stands in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.vm.switch.user_apps import PLAIN, UserApp
from tests.vm.test_deploy import ROOT, app_files

QUICKLY = "sync: {interval: 2s}\nrollout: {soak: 4s}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnApp(UserApp):
    """`api_url` is where Hugging Face's service is said to be."""

    mode: str
    api_url: str = ""

    def files(self, port: int, version: str) -> dict[str, str | bytes]:
        state = (ROOT / "desired-state.yaml").read_text()
        state = re.sub(r"(?m)^mode: \w+$", f"mode: {self.mode}", state)
        state = re.sub(r"(?m)^  port: \d+$", f"  port: {port}", state)
        if self.api_url:
            state = re.sub(r"(?m)^  api:$", f"  api:\n    service: {{env: {{API_URL: {self.api_url!r}}}}}", state)
        return {**app_files(), "desired-state.yaml": state + QUICKLY, self.source: f"version {version}\n"}

    def mark(self, version: str, revision: str) -> str:
        return revision


def own(mode: str) -> OwnApp:
    return OwnApp(
        name=f"app ({mode})",
        mode=mode,
        source="notes.txt",
        release=r'"revision": ?"(\w+)"',
        load=(*PLAIN, "--path", "/version", "--call", "analyze", '["What a day"]', "--calls", "2", "--pages", "1"),
    )


OWN = (own("local"), own("api"))
