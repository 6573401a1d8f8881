"""`browser_caller.py URL CHROMIUM`: one tab of a browser, in which somebody presses the button; a line for each time."""

import sys
from itertools import count

from playwright.sync_api import Error, expect, sync_playwright

url, chromium = sys.argv[1:]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
    page = browser.new_page()
    page.goto(url)
    latest = page.locator(".session tbody tr").first
    for number in count():
        text = f"I am terrified of storm number {number}."
        try:
            page.get_by_role("textbox", name="How was your day?").fill(text)
            page.get_by_role("button", name="Analyze mood").click()
            expect(latest).to_contain_text(text, timeout=20_000)
            said = "ok" if "fear" in latest.inner_text().lower() else f"not the answer: {latest.inner_text()}"
        except (Error, AssertionError) as error:
            said = f"failed: {error!r}"
        print(said.replace("\n", " "), flush=True)  # noqa: T201
