"""The verbs and their options."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Container, Sequence
from datetime import timedelta
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

from ..errors import AgentError
from ..paths import Paths, locate
from ..status.exit_code import Code
from . import FAILED, Misuse, examples, outside, tell, values
from .terminal import Terminal
from .version import line as version_line

Verb = Callable[["Call"], int]

MOST_LINES = 100_000
_VERB = "VERB"


class Call:
    """One call of a verb: its options, where things are, and where to print."""

    def __init__(
        self, options: argparse.Namespace, arguments: Sequence[str], paths: Paths, environ: dict[str, str]
    ) -> None:
        self.options = options
        self.arguments = arguments
        self.paths = paths
        self.environ = environ
        self.terminal = Terminal(environ)

    @property
    def as_json(self) -> bool:
        return bool(getattr(self.options, "json", False))  # `run` has no such option


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Misuse(f"{message}; `{self.prog} --help` shows examples")

    def _check_value(self, action: argparse.Action, value: str) -> None:
        """What argparse says itself lists all the verbs there are."""
        if action.metavar == _VERB and value not in (action.choices or ()):
            if close := get_close_matches(value, action.choices or (), n=1):
                raise Misuse(f"unknown verb {value!r}; did you mean `{self.prog} {close[0]}`?")
            self.error(f"unknown verb {value!r}")
        super()._check_value(action, value)


def dispatch(arguments: Sequence[str], environ: dict[str, str]) -> int:
    """Parse, and run the verb here or over ssh."""
    parser, names = grammar()
    arguments = _on_which(arguments, names)
    options, rest = parser.parse_known_args(arguments)
    if rest:
        parser.error(_unmeant(rest, next(word for word in arguments if word in names)))
    call = Call(options, arguments, locate(environ, uid=os.getuid()), environ)
    module, _, name = (options.verb if options.on is None else "over_ssh.run").partition(".")
    verb: Verb = getattr(import_module(f"{__package__}.{module}"), name)  # no verb waits for what another imports
    try:
        return verb(call)
    except AgentError as error:
        tell(error, as_json=call.as_json)
        return int(options.failed)


def _on_which(arguments: Sequence[str], verbs: Container[str]) -> list[str]:
    """A bare `--on`, followed by a verb or an option, is written `--on=`: argparse would take the verb for its value."""
    words = list(arguments)
    if "--on" in words:
        after = words.index("--on") + 1
        if after == len(words) or words[after] in verbs or words[after].startswith("-"):
            words[after - 1] = "--on="
    return words


def _unmeant(rest: Sequence[str], verb: str) -> str:
    """What to write instead of the words that no option of the verb takes."""
    if any(word.partition("=")[0] == "--on" for word in rest):
        return f"--on stands before the verb: gitops-vm --on VM {verb}"
    return f"unrecognized arguments: {' '.join(rest)}"


def grammar() -> tuple[argparse.ArgumentParser, Container[str]]:
    """The parser, and the names of the verbs."""
    parser = _Parser(
        prog="gitops-vm",
        allow_abbrev=False,  # over_ssh.py takes away what is its own, and knows it by its whole name
        description="git push deploys: the agent of this VM, and what it knows",
        epilog=examples.OVERVIEW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--on", metavar="VM", help="run the verb on a VM over ssh: USER@HOST, or its NAME in vms.ini; see docs/vms.md"
    )
    parser.add_argument("-p", "--port", type=values.count(65535), help="ssh port, with --on")
    parser.add_argument("-i", "--identity", metavar="KEY", default="", help="ssh key, with --on")
    parser.add_argument("--vms", metavar="FILE", default="", help="instead of ./vms.ini or ~/.config/gitops-vm/vms.ini")
    parser.add_argument("--version", action="version", version=version_line())
    verbs = parser.add_subparsers(title="verbs", metavar=_VERB, required=True, parser_class=_Parser)
    _add(verbs, "run", "reconciling.refuse_run", "the resident agent (systemd starts it)", json="")
    _add_reconcile(verbs)
    _add(verbs, "plan", "foresee.plan", "what would be done now, and why")
    _add_status(verbs)
    _add_wait(verbs)
    _add_logs(verbs)
    for name, verb, text in (
        ("events", "inspect.events", "what happened, newest last"),
        ("history", "inspect.history", "the revisions this VM has tried, newest first"),
    ):
        each = _add(verbs, name, verb, text, json="for programs: a list of objects")
        each.add_argument("-n", "--lines", type=values.count(MOST_LINES), default=20, help="so many (default 20)")
    _add(verbs, "restart", "control.restart", "restart the app as it is")
    _add(verbs, "stop", "control.stop", "stop the app and keep it stopped, also after a reboot")
    _add(verbs, "start", "control.start", "start the app after `stop`")
    _add_rollback(verbs)
    pause = _add(verbs, "suspend", "control.suspend", "stop applying and healing; fetching and reporting go on")
    text = "ends by itself: after 2h, or at 2026-12-01T08:00:00Z"
    pause.add_argument("--until", metavar="TIME", type=values.moment, help=text)
    pause.add_argument("reason", nargs="*", help="why, for those who read the status")
    _add(verbs, "resume", "control.resume", "end a suspension, or a rollback that was asked for on the VM")
    rubbish = _add(verbs, "gc", "gc.gc", "remove what nobody uses: old releases, environments, downloads")
    rubbish.add_argument("--dry-run", action="store_true", help="only say what would go")
    text = "all downloads too: the next new environment downloads anew"
    rubbish.add_argument("--cache", action="store_true", help=text)
    check = _add(verbs, "validate", "validate.validate", "check a desired-state.yaml: every problem with its line")
    check.add_argument("file", nargs="?", default="desired-state.yaml", help="- for standard input")
    check.add_argument("--host", default="", help="with what `hosts` says of this one")
    outside.add_smoke(_add(verbs, "smoke", "smoke.smoke", "does the app answer as it should, seen from here?"))
    text = "one look from outside, for cron: smoke tests, news on the status branch; alerts to Slack or Telegram"
    outside.add_watch(_add(verbs, "watch", "watch.watch", text))
    _add(verbs, "version", "version.version", "the agent's version")
    return parser, verbs.choices


def _add(
    verbs: argparse._SubParsersAction[_Parser], name: str, verb: str, text: str, *, json: str = "for programs"
) -> argparse.ArgumentParser:
    """`json` is the help of --json; empty: there is none."""
    parser = verbs.add_parser(
        name,
        help=text,
        description=text,
        epilog=examples.of(name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(verb=verb, failed=FAILED)
    if json:
        parser.add_argument("--json", action="store_true", help=json)
    return parser


def _add_reconcile(verbs: argparse._SubParsersAction[_Parser]) -> None:
    parser = _add(verbs, "reconcile", "reconciling.reconcile", "fetch and do what is to be done until it is settled")
    parser.add_argument("--now", action="store_true", help="wait for no back-off")
    parser.add_argument("--retry", action="store_true", help="the same, and try a rejected revision once more")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)


def _add_rollback(verbs: argparse._SubParsersAction[_Parser]) -> None:
    text = "go back to the last good revision: in a clone by a commit for every VM, on a VM until the next push"
    parser = _add(verbs, "rollback", "rollback.rollback", text)
    parser.add_argument("revision", nargs="?", default="", metavar="REV", help="instead of the last good one")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    text = "in a clone: the repository with the status branches, if it is not the one pushed to"
    parser.add_argument("--remote", metavar="URL", type=values.remote, help=text)


def _add_status(verbs: argparse._SubParsersAction[_Parser]) -> None:
    parser = _add(verbs, "status", "inspect.status", "what runs, and whether it is well")
    parser.set_defaults(failed=Code.UNKNOWN)  # 1 is a verdict: what could not be read has none
    _add_remote(parser)


def _add_wait(verbs: argparse._SubParsersAction[_Parser]) -> None:
    text = "wait until what was pushed is live, or has failed"
    parser = _add(verbs, "wait", "wait.wait", text, json="for programs: a list of objects")
    parser.set_defaults(failed=Code.UNKNOWN)
    text = "which one; without it what the VM knows of as newest"
    parser.add_argument("revision", nargs="?", metavar="REVISION", type=values.revision, help=text)
    limit = values.span(timedelta(seconds=1), timedelta(days=1))
    parser.add_argument(
        "--timeout", metavar="TIME", type=limit, default=timedelta(minutes=10), help="no longer than this (default 10m)"
    )
    _add_remote(parser)


def _add_remote(parser: argparse.ArgumentParser) -> None:
    text = "read the status branches of this repository instead; with --json a list"
    parser.add_argument("--remote", metavar="URL", type=values.remote, help=text)
    parser.add_argument("--host", metavar="NAME", type=values.host, help="only at status/NAME, with --remote")


def _add_logs(verbs: argparse._SubParsersAction[_Parser]) -> None:
    parser = _add(verbs, "logs", "inspect.logs", "the app's log", json="for programs: a list of lines")
    parser.add_argument("-f", "--follow", action="store_true", help="go on printing as it grows")
    lines = values.count(MOST_LINES)
    parser.add_argument("-n", "--lines", type=lines, default=50, help="so many of the last lines (default 50)")
