"""What is done to the bytes between a visitor and a program: nothing, but for one line of an answer."""

from __future__ import annotations

import pytest

from agent.launcher.bridge import stand_in, with_farewell

OK = b"HTTP/1.1 200 OK\r\n"
CLOSE = b"Connection: close\r\n"


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (OK + b"Content-Length: 2\r\n\r\nhi", OK + CLOSE + b"Content-Length: 2\r\n\r\nhi"),
        (OK + b"connection: Keep-Alive\r\nA: b\r\n\r\n", OK + CLOSE + b"A: b\r\n\r\n"),
        (OK + b"A: b\r\nConnection: keep-alive\r\n\r\n", OK + CLOSE + b"A: b\r\n\r\n"),
        (OK + b"\r\n", OK + CLOSE + b"\r\n"),
        (OK + b"Connection: keep-alive", OK + CLOSE[:-2]),
        (
            OK + b"A: b\r\n\r\n\r\nConnection: keep-alive\r\n",
            OK + CLOSE + b"A: b\r\n\r\n\r\nConnection: keep-alive\r\n",
        ),
    ],
)
def test_an_answer_asks_to_hang_up_and_says_nothing_against_it(said: bytes, heard: bytes) -> None:
    assert with_farewell(said) == heard


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 20",
        b"\0",
    ],
)
def test_what_is_not_the_beginning_of_an_answer_stays_as_it_is(said: bytes) -> None:
    assert with_farewell(said) == said


def test_a_visitor_has_one_address_of_its_own_which_can_be_bound_and_is_not_trusted() -> None:
    addresses = [stand_in((f"203.0.113.{number}", 40000)) for number in range(200)]
    assert len(set(addresses)) == 200
    assert stand_in(("203.0.113.7", 1)) == stand_in(("203.0.113.7", 2))
    assert {address.split(".")[0] for address in addresses} == {"127"}
    assert not {address.split(".")[1] for address in addresses} & {"0", "255"}
    assert stand_in("") == "127.0.0.1"
