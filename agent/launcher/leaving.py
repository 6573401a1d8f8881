"""The end of the process: it waits for nothing that hangs."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import NoReturn

LAST_WORDS = timedelta(seconds=0.5)  # for threads and exit handlers


def leave(status: int) -> NoReturn:
    """Ends the process as the interpreter would, but waits for no thread that hangs, and tears nothing down that the
    kernel frees anyway: of a Gradio app that alone takes a second, in which a restarted one answers nobody.
    """
    at_the_latest(LAST_WORDS, status)
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
    atexit._run_exitfuncs()  # noqa: SLF001 - what multiprocessing's children do before os._exit
    _exit(status)


def at_the_latest(after: timedelta, status: int) -> None:
    """The process ends then, whatever it does: waits for a thread, for a task that will not be cancelled, in a blocked loop."""
    threading.Thread(target=_exit_after, args=(after, status), daemon=True).start()


def _exit_after(pause: timedelta, status: int) -> None:
    time.sleep(pause.total_seconds())
    _exit(status)


def _exit(status: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    if status < 0:
        _die_by(-status)
    os._exit(status)


def _die_by(number: int) -> None:
    """As the program did: whoever looks after us is to see it."""
    with suppress(OSError):  # SIGKILL has no other disposition
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
