"""The options of the verbs that look at VMs from outside: `smoke` and `watch`."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser
from datetime import timedelta

from . import values


def add_smoke(parser: ArgumentParser) -> None:
    _add_expectations(parser, attempts=1)


def add_watch(parser: ArgumentParser) -> None:
    _add_expectations(parser, attempts=3)
    parser.add_argument("--remote", metavar="URL", type=values.remote, help="look at its status branches")
    parser.add_argument("--host", metavar="NAME", type=values.host, help="only at status/NAME, with --remote")
    cooldown = values.span(timedelta(seconds=1), timedelta(days=365))
    parser.add_argument(
        "--cooldown", metavar="TIME", type=cooldown, default=timedelta(hours=1), help="between alerts (default 1h)"
    )
    parser.add_argument("--secrets", metavar="FILE", default="", help="instead of ~/.config/gitops-vm/watch.env")
    parser.add_argument("--dry-run", action="store_true", help="tell nobody, remember nothing, show what would be told")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing of what is well")


def _add_expectations(parser: ArgumentParser, *, attempts: int) -> None:
    parser.add_argument(
        "targets", nargs="*", metavar="URL|NAME", type=values.target, help="NAMEs are VMs of vms.ini; without one: all"
    )
    parser.add_argument("--vms", metavar="FILE", default=SUPPRESS, help="the vms.ini to read")
    parser.add_argument("--expect", metavar="TEXT", default="", help="which the body has to hold")
    parser.add_argument(
        "--status", type=values.http_status, default=200, help="the HTTP status that is good (default 200)"
    )
    within = values.span(timedelta(milliseconds=1), timedelta(minutes=10))
    parser.add_argument("--within", metavar="TIME", type=within, default=timedelta(seconds=10), help="default 10s")
    tries = values.count(1000)
    text = f"so many, a second apart (default {attempts})"
    parser.add_argument("--attempts", metavar="N", type=tries, default=attempts, help=text)
