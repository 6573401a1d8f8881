"""Why no HTTP answer came, told by the error below requests' own: its text would hold the URL, and so perhaps a secret."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

import requests
from urllib3.exceptions import NameResolutionError

from ..smoke import Outcome, Silence

Cause = TypeVar("Cause", bound=BaseException)
_OFFLINE = {errno.ENETUNREACH, errno.ENETDOWN, socket.EAI_AGAIN}
_PORTS = {"http": 80, "https": 443}


def explain(error: requests.RequestException, url: str, within: timedelta) -> Silence:
    """`url` is the one asked first; where a redirect led elsewhere, that place is named."""
    at = urlsplit((error.request.url if error.request is not None else None) or url)
    if isinstance(error, requests.TooManyRedirects):
        return Silence(outcome=Outcome.BAD_REDIRECT, message="its redirects lead round and round", hint=_curl("-sIL"))
    if isinstance(error, requests.exceptions.ProxyError):
        hint = "see HTTPS_PROXY and HTTP_PROXY; NO_PROXY=HOST goes past it"
        return Silence(outcome=Outcome.PROXY_FAILED, message="the proxy of this machine failed", hint=hint)
    if isinstance(
        error, requests.exceptions.InvalidSchema | requests.exceptions.InvalidURL | requests.exceptions.MissingSchema
    ):
        message = "it redirects to an address that is not http or https"
        return Silence(outcome=Outcome.BAD_REDIRECT, message=message, hint=_curl("-sIL"))
    return _by_cause(error, at, within)


def _by_cause(error: requests.RequestException, at: SplitResult, within: timedelta) -> Silence:
    chain = list(_chain(error))
    if found := _first(chain, ssl.SSLError):
        return _tls(found, at)
    if any(isinstance(each, OSError) and each.errno in _OFFLINE for each in chain):
        message = f"this machine has no network, or no name server that answers ({place(at)})"
        return Silence(outcome=Outcome.NO_NETWORK, message=message, hint="try: ip route; resolvectl status")
    if _first(chain, socket.gaierror) or _first(chain, NameResolutionError):
        message = f"the name {at.hostname} is not known here"
        return Silence(outcome=Outcome.NO_SUCH_NAME, message=message, hint=f"try: getent hosts {at.hostname}")
    if isinstance(error, requests.Timeout) or _first(chain, TimeoutError):
        return _late(error, at, within)
    if _first(chain, ConnectionRefusedError):
        message = f"nothing listens at {place(at)} (connection refused)"
        return Silence(outcome=Outcome.REFUSED, message=message, hint="on the VM: gitops-vm status")
    return _broken(chain, at)


def _late(error: requests.RequestException, at: SplitResult, within: timedelta) -> Silence:
    if isinstance(error, requests.ConnectTimeout):
        message = f"no connection to {place(at)} within {within.total_seconds():g} s"
        hint = "the VM is off, or a firewall drops what comes: is the port open?"
        return Silence(outcome=Outcome.TIMED_OUT, message=message, hint=hint)
    message = f"{place(at)} took the connection and did not answer within {within.total_seconds():g} s"
    return Silence(outcome=Outcome.TIMED_OUT, message=message, hint="it may hang: on the VM, gitops-vm logs")


def _broken(chain: list[BaseException], at: SplitResult) -> Silence:
    cut = (ConnectionError, http.client.HTTPException)
    if (
        not any(isinstance(each, cut) for each in chain)
        and (unreachable := _first(chain, OSError))
        and unreachable.strerror
    ):
        message = f"{place(at)} cannot be reached: {unreachable.strerror}"
        return Silence(outcome=Outcome.UNREACHABLE, message=message, hint=f"try: ping {at.hostname}")
    message = f"{place(at)} cut the connection, or what it sent is not HTTP"
    return Silence(outcome=Outcome.CUT_OFF, message=message, hint=_curl("-v"))


def _tls(error: ssl.SSLError, at: SplitResult) -> Silence:
    host, port = at.hostname, at.port or _PORTS["https"]
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"the certificate of {place(at)} is not trusted: {error.verify_message}"
        look = f"openssl s_client -connect {host}:{port} -servername {host} </dev/null | openssl x509 -noout -subject -dates"
        hint = f"see it: {look}; for a CA of your own set REQUESTS_CA_BUNDLE"
    else:
        reason = (error.reason or "").replace("_", " ").lower()
        message = f"TLS with {place(at)} failed{f': {reason}' if reason else ''}"
        hint = "does it speak https there? try the same with http://"
    return Silence(outcome=Outcome.TLS_FAILED, message=message, hint=hint)


def place(at: SplitResult) -> str:
    """`vm.example.edu:443`"""
    host = f"[{at.hostname}]" if ":" in (at.hostname or "") else at.hostname
    return f"{host}:{at.port or _PORTS.get(at.scheme, 0)}"


def _curl(options: str) -> str:
    return f"try: curl {options} URL"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from; requests and urllib3 keep some causes in arguments only."""
    found: list[BaseException] = [error]
    for each in found:
        nested = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        found += [deeper for deeper in nested if isinstance(deeper, BaseException) and deeper not in found]
    yield from found


def _first(chain: list[BaseException], kind: type[Cause]) -> Cause | None:
    return next((each for each in chain if isinstance(each, kind)), None)
