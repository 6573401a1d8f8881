"""Every answer that is no success has one shape, whoever refuses: the engine, the framework, or a bug of ours."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from .moods import Failure, in_seconds
from .shapes import Problem

LONGEST_BODY = 64 * 1024  # bytes

SEE = "/openapi.json has an example of each body"
OF_STATUS = {
    400: ("BadRequest", f"The body is no JSON that could be read; {SEE}."),
    404: ("NotFound", "There is nothing here; /openapi.json lists what there is."),
    405: ("WrongMethod", "This path has other methods; the header Allow names them, /openapi.json explains them."),
    413: ("TooLong", f"The request is longer than {LONGEST_BODY} bytes."),
    415: ("WrongContentType", "Send the body as JSON: curl --json, or the header content-type: application/json."),
}
BUG = Problem(reason="InternalError", message="That is a mistake of ours; the app's log has it.")


def install(app: FastAPI) -> None:
    app.add_exception_handler(Failure, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _bug)


def limited(receive: Receive) -> Receive:
    """The same, until the body is longer than LONGEST_BODY."""
    length = 0

    async def receive_within_the_limit() -> Message:
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        if length > LONGEST_BODY:
            raise HTTPException(413)
        return message

    return receive_within_the_limit


async def _failed(_: Request, failure: Failure) -> JSONResponse:
    wait = failure.retry_after
    headers = {"retry-after": str(in_seconds(wait))} if wait is not None else None
    return JSONResponse(Problem.of(failure).model_dump(), failure.status, headers)


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    if _is_json(request.headers.get("content-type")):
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        return _problem(400, "BadRequest", f"{wrong}; {SEE}.")
    return _problem(415, *OF_STATUS[415])


async def _refused(_: Request, error: HTTPException) -> JSONResponse:
    reason, message = OF_STATUS.get(error.status_code, OF_STATUS[400])
    return _problem(error.status_code, reason, message, error.headers)


async def _bug(_: Request, _error: Exception) -> JSONResponse:
    """The framework logs it with its traceback afterwards."""
    return JSONResponse(BUG.model_dump(), 500)


def _is_json(content_type: str | None) -> bool:
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _problem(status: int, reason: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"reason": reason, "message": message}, status, headers)
