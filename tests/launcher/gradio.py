"""What clients of Gradio send: a call is asked for by one request and fetched by another."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPResponse
from typing import Any


class Caller:
    """A session of its own; `connect` gives the connection for each request."""

    def __init__(self, connect: Any, session: str, prefix: str = "/gradio_api") -> None:
        self._connect, self._session, self._prefix = connect, session, prefix

    def functions(self) -> dict[str, int]:
        _, config = self._ask("GET", self._prefix.removesuffix("/gradio_api") + "/config")
        return {each["api_name"]: each["id"] for each in json.loads(config)["dependencies"]}

    def join(self, function: int, *data: object) -> int:
        """The status of the answer."""
        joined = {"data": data, "fn_index": function, "session_hash": self._session}
        return self._ask("POST", f"{self._prefix}/queue/join", joined)[0]

    def fetch(self) -> list[Any]:
        """The result of what was joined. Raises AssertionError with what came instead."""
        return completed(self.stream())

    def stream(self) -> HTTPResponse:
        connection: HTTPConnection = self._connect()
        connection.request("GET", f"{self._prefix}/queue/data?session_hash={self._session}")
        return connection.getresponse()

    def press(self, function: int, *data: object) -> list[Any]:
        assert self.join(function, *data) == 200
        return self.fetch()

    def call(self, name: str, *data: object) -> str:
        """As with curl: no session, and the event's id is what the result is fetched by."""
        _, answer = self._ask("POST", f"{self._prefix}/call/{name}", {"data": data})
        return json.loads(answer)["event_id"]

    def result(self, name: str, event: str) -> str:
        return self._ask("GET", f"{self._prefix}/call/{name}/{event}")[1].decode()

    def _ask(self, method: str, path: str, document: object = None) -> tuple[int, bytes]:
        connection: HTTPConnection = self._connect()
        body = b"" if document is None else json.dumps(document).encode()
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def completed(stream: HTTPResponse) -> list[Any]:
    told = [json.loads(line[5:]) for line in stream.read().decode().splitlines() if line.startswith("data:")]
    results = [each["output"]["data"] for each in told if each["msg"] == "process_completed" and each["success"]]
    assert len(results) == 1, told
    return results[0]
