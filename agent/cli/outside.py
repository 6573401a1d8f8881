"""The options of the verbs that look at VMs from outside: `smoke` and `watch`."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from datetime import timedelta

from . import values

EXAMPLES = """\
examples:
  gitops-vm watch https://vm.example.edu/ --remote git@github.com:me/mood.git --host vm-1
  gitops-vm watch                          every VM of vms.ini that has a url or a repo
  */5 * * * * gitops-vm watch --quiet      in a crontab: an alert when it goes bad, one an hour while it is, one at the end

secrets: SLACK_WEBHOOK_URL, or TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID, in the environment or as KEY=value lines in
~/.config/gitops-vm/watch.env (mode 0600); never on the command line
exit codes: 0 well, 1 bad or an alert did not arrive, 3 unknown: no news for two heartbeats, or could not look, 64 usage
"""


def add_smoke(parser: ArgumentParser) -> None:
    _add_expectations(parser, attempts=1)


def add_watch(parser: ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.formatter_class = RawDescriptionHelpFormatter
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
