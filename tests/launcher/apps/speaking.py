"""An app that tells its service manager more than it may, and more at once than a socket holds."""

import os
import socket


def say(text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
        ear.sendall(text.encode())


def talkative():
    for number in range(100):
        say(f"STATUS=line {number}\nREADY=1\nMAINPID=1")
    return app


def refusing() -> None:
    say("STATUS=refused: no colour")
    raise SystemExit(78)


async def app(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        say("STATUS=goodbye")
        await send({"type": "lifespan.shutdown.complete"})
        return
    say("WATCHDOG=1\nWATCHDOG=trigger")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"said"})
