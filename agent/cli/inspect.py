"""The verbs that look and change nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import AgentError, Broken, Reason, Stalled
from ..host import command, lock, status_memory
from ..host.services import choose
from ..host.setup import refuse_without
from ..host.status_reader import DEADLINE, read_remote
from ..names import Revision, short
from ..status.exit_code import Code, exit_code, worst
from ..status.parse import check, parse
from ..status.publication import line_of
from ..status.read import printable, render
from ..status.standing import outage_words, strategy_words
from . import Misuse, as_document

if TYPE_CHECKING:
    from .verbs import Call


Document = dict[str, Any]

DEAD = "the agent does not run here: nobody knows how it is now"


def status(call: Call) -> int:
    """The exit code is that of the worst VM: 0 current, 1 failed, 2 in progress, 3 unknown."""
    if call.options.host and not call.options.remote:
        raise Misuse("--host goes with --remote URL")
    return _everywhere(call, datetime.now(UTC)) if call.options.remote else _here(call, datetime.now(UTC))


def _here(call: Call, now: datetime) -> int:
    """The document is as old as the last pass; that somebody would make another one is seen by the agent's lock."""
    document = local(call)
    doubt = "" if is_agent_here(call) else DEAD
    if call.as_json:
        call.terminal.json(document)
    else:
        call.terminal.line(render(document, now, doubt=doubt, paint=call.terminal.paint))
    if doubt:
        hint = "see systemctl --user status gitops-agent, or without systemd start it: gitops-vm run"
        call.terminal.complain(f"{doubt}; {hint}")
    return Code.UNKNOWN if doubt else exit_code(document, now)


def _everywhere(call: Call, now: datetime) -> int:
    """Of every VM that reports to the repository, or of the one asked for. A branch that cannot be read hides no other."""
    documents = reported(call, DEADLINE)
    if call.as_json:
        call.terminal.json([_plainly(host, each) for host, each in sorted(documents.items())])
    else:
        call.terminal.line("\n\n".join(_shown(call, each, now) for _, each in sorted(documents.items())))
    return worst(Code.UNKNOWN if isinstance(each, AgentError) else exit_code(each, now) for each in documents.values())


def reported(call: Call, deadline: timedelta) -> dict[str, Document | AgentError]:
    """Host -> what it has published, or why that cannot be read: of every VM, or of the one asked for. Raises AgentError."""
    found, asked = read_remote(call.options.remote, deadline=deadline), call.options.host
    if asked and asked not in found:
        raise Stalled(Reason.REF_NOT_FOUND, f"there is no status/{asked} there, only: {', '.join(sorted(found))}")
    return {host: checked(host, each) for host, each in found.items() if asked in {None, host}}


def is_agent_here(call: Call) -> bool:
    return lock.is_held(call.paths.state / "daemon.lock")


def checked(host: str, found: Document | AgentError) -> Document | AgentError:
    """The document, or why it cannot be shown."""
    try:
        if not isinstance(found, AgentError):
            check(found)
    except ValueError as error:
        return Stalled(Reason.INVALID_SOURCE, f"status/{host}: status.json {error}")
    return found


def _plainly(host: str, found: Document | AgentError) -> Document:
    return {"host": host, "error": as_document(found)} if isinstance(found, AgentError) else found


def _shown(call: Call, found: Document | AgentError, now: datetime) -> str:
    if isinstance(found, AgentError):
        return call.terminal.paint(printable(str(found)), "red")
    return render(found, now, paint=call.terminal.paint)


def local(call: Call) -> Document:
    """What the last pass on this VM wrote down. Raises Broken."""
    path = call.paths.state / "status.json"
    try:
        document = parse(path.read_text())
        check(document)
    except FileNotFoundError:
        hint = "`systemctl --user status gitops-agent` shows the agent; elsewhere: gitops-vm status --remote URL"
        raise Broken(Reason.INVALID_SOURCE, f"there is no status here yet ({path})", hint=hint) from None
    except ValueError as error:
        hint = "the next pass writes it anew: gitops-vm reconcile"
        raise Broken(Reason.INVALID_SOURCE, f"{path} {error}", hint=hint) from error
    return document


def logs(call: Call) -> int:
    if call.options.follow and call.as_json:
        raise Misuse("--json does not go with --follow: a list has an end")
    refuse_without(call.paths)
    services = choose(call.paths, call.environ)
    if call.options.follow:
        return command.attach(services.follow_argv(call.options.lines))
    text = services.logs(None, call.options.lines).rstrip("\n")
    if call.as_json:
        call.terminal.json(text.splitlines())
    else:
        call.terminal.line(text)
    return 0


def events(call: Call) -> int:
    """One line each: time, severity, reason, message."""
    refuse_without(call.paths)
    known = status_memory.load(call.paths.state / "memory.json").events[-call.options.lines :]
    if call.as_json:
        call.terminal.json([line_of(each) for each in known])
        return 0
    rows = [
        (f"{each.time:%Y-%m-%d %H:%M:%S}", each.severity.value, each.reason.value, printable(each.message))
        for each in known
    ]
    call.terminal.table(rows)
    return 0


def history(call: Call) -> int:
    entries = local(call)["history"][: call.options.lines]
    if call.as_json:
        call.terminal.json(entries)
        return 0
    rows = [
        (
            short(Revision(each["revision"])),
            each["status"],
            each["firstReconciled"],
            each["duration"] or "",
            outage_words(each),
            printable(strategy_words(each)),
        )
        for each in entries
    ]
    call.terminal.table([("REVISION", "STATUS", "FIRST SEEN", "DURATION", "NOBODY ANSWERED", "HOW"), *rows])
    return 0
