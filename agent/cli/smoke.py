"""`smoke`: does the app answer as it should, seen from here?"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ..host import web
from ..host.discretion import Discretion
from ..smoke import Expected, Verdict, judge
from . import Misuse
from .fleet import chosen, fleet
from .together import together

if TYPE_CHECKING:
    from .verbs import Call

PAUSE = timedelta(seconds=1)
"""Between two attempts."""


def smoke(call: Call) -> int:
    """0 when everything asked for is good, else 1. One target is one JSON object; several, or those of vms.ini, a list."""
    urls = _urls(call)
    verdicts = list(together(lambda url: attempt(call, url), urls))
    if call.options.json:
        documents = [each.to_json() for each in verdicts]
        call.terminal.json(documents[0] if len(call.options.targets) == 1 else documents)
    else:
        for each in verdicts:
            call.terminal.line(_line(call, each))
    return 0 if all(each.good for each in verdicts) else 1


def _urls(call: Call) -> list[str]:
    targets, vms = call.options.targets, fleet(call)
    urls = [each if "://" in each else chosen(each, vms).url for each in targets or vms]
    if targets and not all(urls):
        raise Misuse(f"[{targets[urls.index('')]}] in vms.ini has no url")
    if not any(urls):
        raise Misuse("which URL? write gitops-vm smoke https://vm.example.edu/, or a url = line into vms.ini")
    return [url for url in urls if url]


def attempt(call: Call, url: str) -> Verdict:
    """The verdict of the first good attempt, or of the last one allowed. Progress goes to a terminal's stderr."""
    expected = Expected(status=call.options.status, text=call.options.expect)
    tries = 0
    while True:
        tries += 1
        call.terminal.progress(f"asking {url.partition('?')[0]}")
        verdict = judge(url, web.ask(url, within=call.options.within, follows=expected.follows), expected)
        verdict = replace(verdict, message=Discretion(call.paths).text(verdict.message)).after(tries)
        if verdict.good or tries >= call.options.attempts:
            return verdict
        call.terminal.progress(f"attempt {tries} of {call.options.attempts}: {verdict.message}")
        time.sleep(PAUSE.total_seconds())


def _line(call: Call, verdict: Verdict) -> str:
    word = call.terminal.paint("good", "green") if verdict.good else call.terminal.paint("bad ", "red")
    tries = f" (attempt {verdict.attempts})" if verdict.attempts > 1 else ""
    return f"{word}  {verdict.url}  {verdict.line}{tries}"
