"""From argv to a served app. The environment is read here and nowhere else."""

from __future__ import annotations

import asyncio
import atexit
import errno
import importlib
import os
import sys
import traceback
from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast

from . import EX_CONFIG, EX_PORT_IN_USE, arguments, borrowed, loop, script, target
from .asgi import ASGIApp
from .endings import Ended, Refused, StartupFailed, Stopped

if TYPE_CHECKING:
    from .served import Served
    from .service_manager import Notices

THREADS = 40  # of a WSGI app, as many as Starlette gives to plain functions
OURS = tuple(str(Path(file).parent) for file in (__file__, asyncio.__file__, importlib.__file__))


def main(argv: Sequence[str], env: MutableMapping[str, str]) -> int:
    """The exit status: 0 after a stop, 78 where no start can succeed, 98 where the app opens a port that is in use, 1 where it

    failed otherwise; a program's own, negative for a signal.
    """
    borrowed.lend()
    from .service_manager import Notices  # noqa: PLC0415 - it borrows

    notices = Notices(env)
    try:
        given = arguments.read(argv)
        if given.kind == "exec":
            _execute(given, env, notices)
        else:
            _start(given, _server(given, env, notices))
    except Stopped:
        return 0
    except Ended as error:
        return error.status
    except Refused as error:
        notices.cause(f"refused: {error}")
        sys.stderr.write(f"launcher: {error}\n")
        return EX_CONFIG
    except StartupFailed as error:
        notices.cause(str(error))
        return EX_PORT_IN_USE if os.strerror(errno.EADDRINUSE).lower() in str(error).lower() else 1
    except Exception as error:  # noqa: BLE001 - an app may raise anything
        traceback.print_exception(type(error), error, _of_the_app(error))
        notices.cause(f"{type(error).__name__}: {error}".removesuffix(": "))
        return EX_PORT_IN_USE if _is_port_in_use(error) else 1
    except SystemExit as error:
        if isinstance(error.code, str):  # sys.exit("set MOODS"): the interpreter prints it and ends with 1
            notices.cause(error.code)
        raise
    return 0


def _is_port_in_use(error: BaseException | None) -> bool:
    """Whether that is the cause, however it was wrapped."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            return True
        error = error.__cause__ or error.__context__
    return False


def _server(
    given: arguments.Arguments, env: MutableMapping[str, str], notices: Notices
) -> Callable[[Callable[[], ASGIApp]], None]:
    from .app import App  # noqa: PLC0415 - it borrows

    is_heard = "NOTIFY_SOCKET" in env
    serve = _release(given, env, notices)
    if is_heard:
        _give_voice(env, notices)
    return lambda load: serve(App(load, given.private, notices))


def _give_voice(env: MutableMapping[str, str], notices: Notices) -> None:
    from .voice import Voice  # noqa: PLC0415 - it borrows

    voice = Voice(notices)
    env["NOTIFY_SOCKET"] = voice.address
    notices.hear_out = voice.finish
    atexit.register(voice.finish)


def _execute(given: arguments.Arguments, env: MutableMapping[str, str], notices: Notices) -> None:
    from .executed import Executed  # noqa: PLC0415

    serve = _release(given, env, notices)
    serve(Executed(given.words, env, notices, notify=given.notify))


def _release(given: arguments.Arguments, env: MutableMapping[str, str], notices: Notices) -> Callable[[Served], None]:
    from .release import Release  # noqa: PLC0415 - they borrow
    from .service_manager import listening_socket, withhold  # noqa: PLC0415

    release = Release(given, listening_socket(env), notices)
    withhold(env)
    return lambda served: loop.run(release.serve(served))


def _start(given: arguments.Arguments, serve: Callable[[Callable[[], ASGIApp]], None]) -> None:
    """Each kind of app is loaded where its usual server loads it: under a running loop, or not."""
    sys.argv = [given.target]
    if given.kind == "gradio":
        script.run(Path(given.target), serve)
        return
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as `python -m` has it
    if given.kind == "asgi":
        serve(lambda: target.load("asgi", given.target))
        return
    from a2wsgi import WSGIMiddleware  # noqa: PLC0415 - borrowed

    app = WSGIMiddleware(target.load("wsgi", given.target), workers=THREADS)
    serve(lambda: cast("ASGIApp", app))


def _of_the_app(error: BaseException) -> TracebackType | None:
    """The traceback without its first frames, which are ours; None where no code of the app ran."""
    frame = error.__traceback__
    while frame and frame.tb_frame.f_code.co_filename.startswith(OURS):
        frame = frame.tb_next
    return frame
