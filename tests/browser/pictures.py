"""The pictures of docs/screenshots, taken anew: `.venv/bin/python -m tests.browser.pictures`. Needs Chromium."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.app.running import App
from tests.app.venvs import ROOT, python_for
from tests.browser.chromium import SWITCHES, chromium
from tests.browser.conftest import ABOUT
from tests.browser.visit import HAPPY, OKAY, WORST, Visit

HERE = ROOT / "docs/screenshots"
QUALITY = 88
DAY = (
    OKAY,
    "I am terrified of the storm.",
    WORST,
    "I am so angry about the noise!",
    "What a surprise, I did not expect you!",
    HAPPY,
)


def main() -> None:
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(SWITCHES))
        app = App(python_for("onnx"), Path(scratch), **ABOUT).ready()
        answer(browser, app.url)
        phone(browser, app.url)
        browser.close()
        app.close()


def answer(browser: Browser, url: str) -> None:
    page = browser.new_page(viewport={"width": 1160, "height": 1070}, reduced_motion="reduce", locale="en-GB")
    keep(Visit(page).open(url).analyze(*DAY), "answer.webp")


def phone(browser: Browser, url: str) -> None:
    page = browser.new_page(
        viewport={"width": 390, "height": 960},
        device_scale_factor=2,
        color_scheme="dark",
        reduced_motion="reduce",
        locale="en-GB",
    )
    tab = Visit(page).open(url).analyze(*DAY[:3])
    tab.button("A positive thought for this mood").click()
    page.locator("#thought-result blockquote").wait_for()
    keep(tab, "phone.webp")


def keep(tab: Visit, name: str) -> None:
    page = tab.settled().page
    picture = page.context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    (HERE / name).write_bytes(base64.b64decode(picture["data"]))


if __name__ == "__main__":
    main()
