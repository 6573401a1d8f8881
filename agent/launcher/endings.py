"""Why a release does not serve (any more). Words of the house: they say what happens next."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818
    """No start can succeed with these arguments and this app; the message says what to change."""


class StartupFailed(Exception):  # noqa: N818
    """The app's own start-up (ASGI's lifespan) failed; its traceback is in the log, the message is its last line."""


class Stopped(SystemExit):
    """What launch() ends with: the release has served, and was told to stop."""


class Ended(Exception):  # noqa: N818
    """The program that was served has ended by itself; `status` is its exit status, negative for a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(f"it ended by itself: {status}")
        self.status = status
