import time

VERSION = "1"
PLAIN, STREAM = [("Content-Type", "application/json")], [("Content-Type", "text/event-stream")]


def app(environ, start_response):
    if environ["PATH_INFO"] == "/events":
        start_response("200 OK", STREAM)
        return events()
    body = b'{"status": "ok"}' if environ["PATH_INFO"] == "/healthz" else b'{"version": "%s"}' % VERSION.encode()
    start_response("200 OK", [*PLAIN, ("Content-Length", str(len(body)))])
    return [body]


def events():
    for number in range(40):
        yield f"data: {number} of version {VERSION}\n\n".encode()
        time.sleep(0.1)
    yield b"event: end\ndata: that is all\n\n"
