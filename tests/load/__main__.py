"""Visits a web app as its users do, without a pause in between, and counts every request that was not answered well.

  python -m tests.load http://127.0.0.1:8010 --seconds 30
  python -m tests.load http://127.0.0.1:8010 --path /version --events /events --sse 2 --until-file stop --json out.json
  python -m tests.load http://127.0.0.1:7860 --call /celsius '[212]' --calls 2 --pages 1

A failed request: no connection, a reset, an end before the end, a status other than 200, a Gradio call without its
result, and whatever takes longer than 2 s (of a stream: its first byte, and each silence).
Exit: 0 none failed, 1 some did, 64 usage.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import sys
import time
from collections.abc import Callable

from tests.load.crowd import Crowd
from tests.load.http import Address, Unanswered
from tests.load.options import parser, visitors
from tests.load.report import Outcome

EX_USAGE = 64


def main() -> int:
    given = parser(__doc__ or "").parse_args()
    if given.seconds is None and given.until_file is None:
        given.seconds = 10.0
    try:
        outcome = asyncio.run(_visit(given))
    except (Unanswered, ValueError, KeyError, OSError) as error:
        print(f"load: {error}", file=sys.stderr)
        return EX_USAGE
    if given.json:
        given.json.write_text(json.dumps(outcome.document(), indent=1))
    print(outcome.table())
    return 1 if outcome.failed else 0


async def _visit(given: argparse.Namespace) -> Outcome:
    address = Address.of(given.url)
    coming = await visitors(given, address)
    crowd = Crowd(address, pause=given.pause, release=re.compile(given.release))
    enough = _enough(given)
    teller = asyncio.create_task(_tell(crowd)) if sys.stderr.isatty() else None
    await crowd.come(coming, enough)
    if teller:
        teller.cancel()
    return Outcome(shots=tuple(crowd.shots), reopened=crowd.reopened)


def _enough(given: argparse.Namespace) -> Callable[[], bool]:
    """After so many seconds, once that file is there, or at the first Ctrl-C or SIGTERM."""
    begun, asked = time.monotonic(), asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, asked.set)

    def enough() -> bool:
        late = given.seconds is not None and time.monotonic() - begun > given.seconds
        return late or asked.is_set() or (given.until_file is not None and given.until_file.exists())

    return enough


async def _tell(crowd: Crowd) -> None:
    while True:
        await asyncio.sleep(1)
        failed = sum(bool(shot.failure) for shot in crowd.shots)
        print(f"\r{len(crowd.shots)} requests, {failed} failed ", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
