"""HTTP with real servers: each way in which no answer comes is told apart, and nothing of a URL's secrets is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from agent.host import web
from agent.smoke import Answer, Outcome, Silence
from tests.githttp import certificate
from tests.httpstage import Reply, raw, staged
from tests.ports import SilentPort, free_port

SOON = timedelta(seconds=20)
CANARY = "hooks-canary-4711"


def silence(url: str, within: timedelta = SOON) -> Silence:
    seen = web.ask(url, within=within)
    assert isinstance(seen, Silence), seen
    assert CANARY not in f"{seen}"
    return seen


def answer(url: str, **options: bool) -> Answer:
    seen = web.ask(url, within=SOON, **options)
    assert isinstance(seen, Answer), seen
    return seen


def test_an_answer_comes_whole_with_its_latency() -> None:
    with staged(Reply(body="grün".encode(), headers={"Retry-After": "7"})) as stage:
        seen = answer(f"{stage.url}/a")

    assert (seen.code, seen.body, seen.whole, seen.retry_after) == (200, "grün", True, "7")
    assert timedelta(0) < seen.latency < SOON
    assert stage.requests[0].headers["User-Agent"].startswith("gitops-vm/")


@pytest.mark.parametrize("charset", ["latin-1", "no-such-charset"])
def test_a_body_is_read_in_its_charset_or_as_utf_8(charset: str) -> None:
    encoded = "grün".encode("latin-1" if charset == "latin-1" else "utf-8")
    with staged(Reply(body=encoded, headers={"Content-Type": f"text/plain; charset={charset}"})) as stage:
        assert answer(stage.url).body == "grün"


def test_a_body_without_end_is_read_to_the_limit() -> None:
    with staged(Reply(body=b"x" * (web.LARGEST + 1))) as stage:
        seen = answer(stage.url)

    assert (len(seen.body), seen.whole) == (web.LARGEST, False)


def test_redirects_are_followed_when_they_are_wanted() -> None:
    def play(request: object) -> Reply:
        return Reply(302, b"", {"Location": "/there"}) if getattr(request, "path", "") == "/" else Reply(body=b"here")

    with staged(play) as stage:
        assert (answer(stage.url).url, answer(stage.url).body) == (f"{stage.url}/there", "here")
        assert answer(stage.url, follows=False).code == 302


@pytest.mark.parametrize(("to", "word"), [("/", "round and round"), ("ftp://127.0.0.1/", "not http")])
def test_redirects_that_lead_nowhere_are_said(to: str, word: str) -> None:
    with staged(Reply(302, b"", {"Location": to})) as stage:
        seen = silence(stage.url)

    assert seen.outcome is Outcome.BAD_REDIRECT
    assert word in seen.message


def test_a_redirect_to_a_place_that_is_not_there_names_that_place() -> None:
    nobody = free_port()
    with staged(Reply(302, b"", {"Location": f"http://127.0.0.1:{nobody}/{CANARY}"})) as stage:
        seen = silence(stage.url)

    assert seen.outcome is Outcome.REFUSED
    assert f"127.0.0.1:{nobody}" in seen.message


def test_a_refused_connection_is_said() -> None:
    nobody = free_port()
    seen = silence(f"http://127.0.0.1:{nobody}/{CANARY}?token={CANARY}")

    assert (seen.outcome, seen.hint) == (Outcome.REFUSED, "on the VM: gitops-vm status")
    assert seen.message == f"nothing listens at 127.0.0.1:{nobody} (connection refused)"


def test_a_name_that_does_not_exist_is_said() -> None:
    seen = silence(f"https://no-such-vm.invalid/{CANARY}")

    assert seen.outcome is Outcome.NO_SUCH_NAME
    assert seen.message == "the name no-such-vm.invalid is not known here"
    assert seen.hint == "try: getent hosts no-such-vm.invalid"


def test_a_server_that_never_answers_is_given_up_at_the_deadline() -> None:
    port = free_port()
    silent = SilentPort(port)
    try:
        seen = silence(f"http://127.0.0.1:{port}/{CANARY}", timedelta(milliseconds=200))
    finally:
        silent.stop()

    assert seen.outcome is Outcome.TIMED_OUT
    assert seen.message == f"127.0.0.1:{port} took the connection and did not answer within 0.2 s"


def drip(head: bytes, over: threading.Event) -> Callable[[socket.socket], None]:
    """A byte every tenth of a second: no single read is ever late."""

    def speak(connection: socket.socket) -> None:
        connection.sendall(head)
        while not over.wait(0.1):
            connection.sendall(b"x")

    return speak


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_a_server_that_drips_is_given_up_at_the_deadline_too(head: bytes) -> None:
    over = threading.Event()
    with raw(drip(head, over)) as port:
        seen = silence(f"http://127.0.0.1:{port}/", timedelta(milliseconds=500))
        over.set()

    assert seen.outcome is Outcome.TIMED_OUT
    assert "whole answer within 0.5 s" in seen.message


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
def test_what_hangs_up_or_is_not_http_is_said(said: bytes) -> None:
    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)

    with raw(speak) as port:
        seen = silence(f"http://127.0.0.1:{port}/")

    assert seen.outcome is Outcome.CUT_OFF


def test_a_certificate_nobody_vouches_for_is_said_with_how_to_see_it(tmp_path: Path) -> None:
    with staged(Reply(), certificate=certificate(tmp_path)) as stage:
        seen = silence(f"{stage.url}/{CANARY}")

    assert seen.outcome is Outcome.TLS_FAILED
    assert "not trusted: self-signed certificate" in seen.message
    assert "openssl s_client -connect 127.0.0.1:" in seen.hint


def test_a_certificate_of_an_own_ca_is_trusted_when_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own))
    with staged(Reply(), certificate=own) as stage:
        assert answer(stage.url).code == 200


def test_https_where_http_is_spoken_is_said() -> None:
    with staged(Reply()) as stage:
        seen = silence(stage.url.replace("http:", "https:"))

    assert seen.outcome is Outcome.TLS_FAILED
    assert "try the same with http://" in seen.hint


def test_a_proxy_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "")
    seen = silence(f"http://vm.example.edu/{CANARY}")

    assert seen.outcome is Outcome.PROXY_FAILED
    assert "NO_PROXY" in seen.hint
