"""One visitor's browser tab. What the page asks of other hosts, and what it complains of, is remembered: see `clean`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page, Request

CHECKS = Path(__file__).with_name("checks.js")
HAPPY, WORST, OKAY = "I am so happy today!", "This is the worst day ever.", "I feel okay, I guess."


@dataclass
class Visit:
    page: Page
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(path=CHECKS)
        self.page.on("request", self._asked)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, url: str) -> Visit:
        self.page.goto(url)
        self.page.locator("#analyze").wait_for(timeout=90_000)  # perhaps it is still loading
        return self

    def clean(self) -> None:
        assert not self.foreign, self.foreign
        assert not self.complaints, self.complaints

    @property
    def text(self) -> Locator:
        return self.page.get_by_role("textbox", name="How was your day?")

    @property
    def result(self) -> Locator:
        return self.page.locator("#mood-result")

    @property
    def marks(self) -> Locator:
        return self.page.locator(".mark")

    @property
    def rows(self) -> Locator:
        return self.page.locator(".session tbody tr")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def analyze(self, *texts: str) -> Visit:
        """Each in its turn; returns when the history has it."""
        for text in texts:
            before = self.rows.count()
            self.text.fill(text)
            self.button("Analyze mood").click()
            self.rows.nth(before).wait_for()
        return self

    def is_in_view(self, found: Locator) -> bool:
        """All of it, without scrolling."""
        box, size = found.bounding_box(), self.page.viewport_size
        assert box
        assert size
        return box["y"] >= 0 and box["y"] + box["height"] <= size["height"]

    def settled(self) -> Visit:
        """Returns when nothing fades in or grows any more."""
        self.page.wait_for_function("document.getAnimations().every(each => each.playState !== 'running')")
        return self

    def check(self, name: str, *arguments: float) -> Any:
        return self.settled().page.evaluate(f"checks.{name}(...{list(arguments)})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "http://mood.test:", "data:", "blob:")):
            self.foreign.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium's own word on a visit that was answered with the loading page says nothing of the page.
        told_to_wait = "503" in message.text and message.location["url"] == self.page.url
        if message.type in ("error", "warning") and not told_to_wait:
            self.complaints.append(f"{message.text} {message.location}")
