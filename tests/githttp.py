"""Smart HTTP: `git http-backend` behind the standard library's server, with basic auth and TLS where a test wants them.

The protocol between the two is CGI (RFC 3875), with the variables git-http-backend(1) names.
"""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import ssl
import threading
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.gitserver import GitServer, Listener
from tests.ports import LOOPBACK
from tests.process import run, run_bytes


class HttpServer(GitServer):
    """Everybody may read and write, or with `login` = (user, password) only who sends it. https with `tls`."""

    def __init__(self, root: Path, *, login: tuple[str, str] | None = None, tls: bool = False) -> None:
        super().__init__(root / "repositories")
        self.certificate = certificate(root) if tls else None
        self.login = login
        self.requests: list[str] = []
        """The request lines so far, oldest first ("GET /app.git/info/refs?service=git-upload-pack HTTP/1.1")."""

    def url(self, name: str) -> str:
        return f"{self._base}/{name}.git"

    @property
    def environment(self) -> dict[str, str]:
        trust = {"GIT_SSL_CAINFO": str(self.certificate)} if self.certificate else {}
        if self.login is None:
            return trust
        header = {
            "GIT_CONFIG_KEY_0": f"http.{self._base}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: {self.authorization}",
        }
        return {**trust, "GIT_CONFIG_COUNT": "1", **header}

    @property
    def authorization(self) -> str | None:
        """The Authorization header that is let in; None when everybody is."""
        return self.login and "Basic " + base64.b64encode(":".join(self.login).encode()).decode()

    @property
    def _base(self) -> str:
        return f"{'https' if self.certificate else 'http'}://{LOOPBACK}:{self.port}"

    def _serve(self) -> Listener:
        return _Service(self)


class _Service(ThreadingHTTPServer):
    def __init__(self, git: HttpServer) -> None:
        super().__init__((LOOPBACK, git.port), _Handler)
        self.git = git
        self._open: set[socket.socket] = set()
        if git.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(git.certificate)
            # The handshake is the handler's, at its first read: in accept() one slow client would hold up all.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def close_request(self, request: socket.socket) -> None:  # type: ignore[override]
        self._open.discard(request)
        super().close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, or does not trust the certificate, is no error of the server."""

    def stop(self) -> None:
        self.shutdown()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Service

    def do_GET(self) -> None:
        git = self.server.git
        git.requests.append(self.requestline)
        body = self._body()
        if git.authorization not in (None, self.headers.get("Authorization")):
            self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"401 who are you?\n")
            return
        header, _, content = run_bytes("git", "http-backend", given=body, env=self._cgi(git, len(body))).partition(
            b"\r\n\r\n"
        )
        fields = dict(message_from_bytes(header).items())
        self._answer(int(fields.pop("Status", "200").split()[0]), fields, content)

    do_POST = do_GET  # noqa: N815 - the name http.server looks for

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _cgi(self, git: HttpServer, length: int) -> dict[str, str]:
        path = urlsplit(self.path)
        return {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.receivepack",
            "GIT_CONFIG_VALUE_0": "true",
            "GIT_PROJECT_ROOT": str(git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote(path.path),
            "QUERY_STRING": path.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_USER": git.login[0] if git.login else "",
        }

    def _answer(self, status: int, fields: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**fields, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Silent: `HttpServer.requests` has the requests."""


def certificate(folder: Path) -> Path:
    """A certificate for the loopback that vouches for itself, key and all in one file."""
    path = folder / "certificate.pem"
    subject = ("-subj", f"/CN={LOOPBACK}", "-addext", f"subjectAltName=IP:{LOOPBACK}")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-keyout", path)
    made = run("openssl", "req", "-x509", "-days", "7", *key, *subject)
    with path.open("a") as file:
        file.write(made)
    return path
