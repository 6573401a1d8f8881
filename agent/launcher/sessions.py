"""Gradio keeps sessions in the memory of one process, and clients come by a new connection for each call: a session stays
where it began, whichever release its next request arrives at, for as long as that one lives.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from . import session_keys
from .asgi import ASGIApp, Message, Receive, Scope, Send
from .private import Neighbour
from .relay import relay

GRADIO = "gradio"  # an app may import it long after it was loaded, and others never do
AS_MANY_AS_GRADIO = 10_000  # launch(state_session_capacity=...)
HOPS = 2  # that a question is handed on: of three releases at once the first may still be the home of a session


@dataclass
class Session:
    """What goes on in one that began here."""

    open: int = 0  # requests being answered
    owing: bool = False  # something was asked whose answer nobody has begun to fetch

    @property
    def busy(self) -> bool:
        return self.open > 0 or self.owing


class Sessions:
    """A Gradio app between the release that accepted before it (`elder`) and the one that does after it (`heir`)."""

    def __init__(self, app: ASGIApp, private: Path) -> None:
        self._app = app
        self._private = private.absolute()
        self._here: OrderedDict[str, Session] = OrderedDict()
        self._elder: Neighbour | None = None
        self._heir: Neighbour | None = None
        self.ending = False  # what is under way goes on; whoever comes anew goes to the heir

    async def follow(self, elder: str) -> None:
        """It accepts, after the release whose private directory is `elder` (empty: the same as before, if any)."""
        self._heir = None
        if elder:
            self._elder = _neighbour(elder)
        if self._elder:
            with suppress(OSError):
                await self._elder.ask(f"heir {self._private}")

    def precede(self, heir: str) -> None:
        """Another is about to accept: from when this one rests, sessions begin there."""
        self._heir = _neighbour(heir)
        if self._heir and self._elder and self._heir.directory == self._elder.directory:
            self._elder = None

    async def know(self, key: str, hops: int) -> bool:
        """Whether a request of this session is to be answered here, or handed on from here."""
        session = self._here.get(key)
        if session is not None:
            return session.busy or not self.ending
        return hops > 0 and await self._elder_that_knows(key, hops - 1) is not None

    @property
    def owing(self) -> bool:
        return any(session.owing for session in self._here.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or GRADIO not in sys.modules:
            await self._app(scope, receive, send)
            return
        key, body = await session_keys.read(scope, receive)
        if body is not None:
            receive = _again(body, receive)
        home = await self._elsewhere(key) if key else None
        if home is None or not await relay(home, scope, body or b"", receive, send):
            await self._answer(key, scope, receive, send)

    async def _elsewhere(self, key: str) -> Neighbour | None:
        session = self._here.get(key)
        if session is not None and (session.busy or not self.ending):
            return None
        if session is None and (elder := await self._elder_that_knows(key, HOPS)):
            return elder
        return self._heir

    async def _elder_that_knows(self, key: str, hops: int) -> Neighbour | None:
        elder = self._elder  # while it thinks, it may become the heir
        try:
            known = elder is not None and await elder.ask(f"knows {key} {hops}") == "yes"
        except TimeoutError:
            return None
        except OSError:
            self._elder = None if self._elder is elder else self._elder
            return None
        return elder if known else None

    async def _answer(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        with self._counted(key, scope):
            await self._app(scope, receive, self._noting_the_event(send) if session_keys.calls(scope) else send)

    @contextmanager
    def _counted(self, key: str, scope: Scope) -> Iterator[None]:
        if not key:
            yield
            return
        session, work = self._known(key), "/heartbeat/" not in scope["path"]
        session.open += work
        session.owing |= session_keys.joins(scope)
        try:
            yield
        finally:
            session.open -= work
            session.owing &= not session_keys.fetches(scope)

    def _known(self, key: str) -> Session:
        session = self._here.setdefault(key, Session())
        self._here.move_to_end(key)
        if len(self._here) > AS_MANY_AS_GRADIO:
            self._here.popitem(last=False)
        return session

    def _noting_the_event(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.body" and (event := session_keys.event(message.get("body", b""))):
                self._known(event).owing = True
            await send(message)

        return sent


def _neighbour(directory: str) -> Neighbour | None:
    try:
        return Neighbour(Path(directory))
    except OSError:
        return None


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, as one message, and then what else comes."""
    unread = [body]

    async def received() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return received
