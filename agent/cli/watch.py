"""`watch`: one look from outside, and an alert when it is due. For cron or a scheduled workflow; nothing stays resident."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..chat import VARIABLES, Channel, channels
from ..errors import AgentError
from ..host import messenger, secret_file
from ..host.lock import hold
from ..host.status_reader import read_remote
from ..paths import watch_state
from ..watching import Finding, Level, meant, of_smoke, of_status, worst
from . import Misuse
from .smoke import attempt
from .subjects import Subject, subjects
from .telling import Alert, Look, rehearse, tell
from .together import together

if TYPE_CHECKING:
    from .verbs import Call

_COLOURS = {Level.WELL: "green", Level.UNSEEN: "yellow", Level.SILENT: "red", Level.BAD: "red"}


def watch(call: Call) -> int:
    """0 all well, 1 something is bad or an alert did not arrive, 3 not known: no news of a VM, or no look at it."""
    told = _channels(call)
    looks = []
    for look in together(lambda subject: _look(call, subject, told), subjects(call)):
        looks.append(look)
        _show(call, look)
    if call.options.json:
        call.terminal.json([look.to_json() for look in looks])
    elif not told and not call.options.quiet:
        call.terminal.complain("nobody is told: set SLACK_WEBHOOK_URL, or TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID")
    level = worst(look.level for look in looks)
    undelivered = any(alert.error for look in looks for alert in look.alerts)
    return 1 if undelivered else level.code


def _channels(call: Call) -> tuple[Channel, ...]:
    """From the environment, then from the file. Never from the command line, which everybody on this machine can read."""
    path = Path(call.options.secrets).expanduser() if call.options.secrets else call.paths.config / "watch.env"
    try:
        written = secret_file.read(path) if call.options.secrets or path.exists() else {}
        return channels({name: call.environ.get(name) or written.get(name, "") for name in VARIABLES})
    except (ValueError, AgentError) as error:
        raise Misuse(str(error)) from None
    except OSError as error:
        raise Misuse(f"{path}: {error.strerror}") from None


def _look(call: Call, subject: Subject, told: Sequence[Channel]) -> Look:
    look = Look(subject=subject)
    memory, cooldown = watch_state(call.environ) / f"{subject.key}.json", call.options.cooldown
    call.terminal.progress(f"looking at {subject.name}")
    try:
        if call.options.dry_run:
            look.findings = _findings(call, subject)
            rehearse(look, memory, told, cooldown)
            return look
        with hold(memory.with_suffix(".lock")):
            look.findings = _findings(call, subject)
            tell(look, memory, told, cooldown, partial(_send, call))
    except AgentError as error:  # another one is at it, and does all of this
        look.findings = [Finding(level=Level.UNSEEN, message=str(error))]
    except OSError as error:
        look.alerts.append(Alert(error=f"{error.filename or memory.parent}: {error.strerror}"))
    return look


def _send(call: Call, channel: Channel, text: str) -> str:
    call.terminal.progress(f"telling {channel.name}")
    return messenger.send(channel, text)


def _findings(call: Call, subject: Subject) -> list[Finding]:
    app = [of_smoke(attempt(call, subject.url))] if subject.url else []
    if subject.error:
        return [*app, Finding(level=Level.UNSEEN, message=subject.error)]
    if not subject.repo:
        return app
    news = _news(subject)
    return [*(meant(each, news) for each in app), news]


def _news(subject: Subject) -> Finding:
    try:
        document = read_remote(subject.repo, subject.host)[subject.host]
    except AgentError as error:
        document = error
    if isinstance(document, AgentError):
        return Finding(level=Level.UNSEEN, message=str(document))
    return of_status(f"status/{subject.host}", document, datetime.now(UTC))


def _show(call: Call, look: Look) -> None:
    for alert in look.alerts:
        if alert.error:
            call.terminal.complain(f"{alert.error}; the alert did not go out, the next run tries again")
    if call.options.json or (call.options.quiet and look.level is Level.WELL):
        return
    word = call.terminal.paint(look.level.lower().ljust(6), _COLOURS[look.level])
    for each in look.findings:
        whose = "" if each.message.startswith(look.subject.name) else f"{look.subject.name}  "
        call.terminal.line(f"{word}  {whose}{each.message}")
    for alert in look.alerts:
        if not alert.error:
            done = "would be told" if call.options.dry_run else "was told"
            call.terminal.line(f"        {alert.channel} {done}: {alert.text.splitlines()[0]}")
