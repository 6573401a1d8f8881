"""The command line of the load: who comes, and what for."""

from __future__ import annotations

import argparse
import json
import secrets
from pathlib import Path

from tests.load.client import Client
from tests.load.crowd import Visitor
from tests.load.http import Address
from tests.load.visits import call, events, functions, page

RELEASE = r'"(?:revision|release)": ?"([^"]+)"'


def parser(description: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tests.load", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = made.add_argument
    add("url", help="http://HOST:PORT")
    add("--seconds", type=float, help="for so long (10 where no --until-file is given)")
    add("--until-file", type=Path, metavar="FILE", help="until this file is there")
    add("--json", type=Path, metavar="FILE", help="the outcome, with every single request")
    add("--pause", type=float, default=0.05, metavar="SECONDS", help="between two visits of a visitor (0.05)")
    add("--release", default=RELEASE, metavar="REGEX", help="its group is the release, in an answer's headers or body")
    add("--path", default="/", help="of the plain requests (/)")
    add("--new", type=int, default=4, metavar="N", help="visitors with a new connection for each request (4)")
    add("--keep", type=int, default=4, metavar="N", help="visitors who keep their connection (4)")
    add("--events", default="/events", metavar="PATH", help="of the streams (/events)")
    add("--last", default="event: end", metavar="TEXT", help="what a whole stream holds (event: end)")
    add("--sse", type=int, default=0, metavar="N", help="visitors of streams (0)")
    add("--call", nargs=2, metavar=("NAME", "JSON"), help="a function of a Gradio app, and its arguments")
    add(
        "--calls",
        type=int,
        default=2,
        metavar="N",
        help="visitors with new connections, and a session, for each call (2)",
    )
    add("--pages", type=int, default=1, metavar="N", help="open pages: one session, connections kept (1)")
    add("--generate", nargs=2, metavar=("NAME", "JSON"), help="a generator of a Gradio app: a stream")
    add("--streams", type=int, default=1, metavar="N", help="visitors of it (1)")
    return made


async def visitors(given: argparse.Namespace, address: Address) -> list[Visitor]:
    """KeyError when the app has no such function, Unanswered when it does not tell."""
    plain, stream = page(given.path), events(given.events, given.last)
    found = [Visitor(kind="new", visit=plain, keep=False)] * given.new
    found += [Visitor(kind="keep", visit=plain, keep=True)] * given.keep
    found += [Visitor(kind="sse", visit=stream, keep=False, lasting=True)] * given.sse
    if given.call or given.generate:
        found += _of_gradio(given, await functions(Client(address, keep=False)))
    return found


def _of_gradio(given: argparse.Namespace, known: dict[str, int]) -> list[Visitor]:
    found: list[Visitor] = []
    if given.call:
        function, data = known[given.call[0].strip("/")], json.loads(given.call[1])
        found += [Visitor(kind="call", visit=call(function, data), keep=False)] * given.calls
        pages = (call(function, data, session=secrets.token_hex(6)) for _ in range(given.pages))
        found += [Visitor(kind="page", visit=each, keep=True) for each in pages]
    if given.generate:
        function, data = known[given.generate[0].strip("/")], json.loads(given.generate[1])
        stream = call(function, data, lasting=True)
        found += [Visitor(kind="generate", visit=stream, keep=False, lasting=True)] * given.streams
    return found
