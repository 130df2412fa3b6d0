"""Refusals and failures as answers: `application/problem+json` (RFC 9457), with the cure and never with a trace."""

import logging
import secrets

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from efpi_core.errors import EfpiError, OutdatedError, PluginFailure, RefusedError, SettingsError, TryAgainError
from efpi_core.http.json_form import to_json
from efpi_core.log_line import say

LOG = logging.getLogger("efpi.http")

TITLES = {
    400: "The request cannot be understood",
    403: "Not allowed",
    404: "There is no such thing",
    405: "This method does not apply here",
    409: "Refused",
    412: "It has changed meanwhile",
    413: "The request is too large",
    415: "Send JSON",
    421: "Not served under this name",
    422: "A setting is wrong",
    500: "Something failed in the gateway",
    502: "A plugin failed",
    503: "Not ready",
}

STATUS = ((SettingsError, 422), (OutdatedError, 412), (RefusedError, 409), (TryAgainError, 503), (PluginFailure, 502))
"""What an error of the gateway means to a caller over HTTP; the first that fits counts."""


def problem(status: int, detail: str, cure: str = "", **facts: object) -> Response:
    """An answer that says what is wrong, and what to do."""
    body: dict[str, object] = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status}
    body["detail"] = detail
    if cure:
        body["cure"] = cure
    headers = {"Retry-After": "1"} if status == 503 else None
    return Response(to_json(body | facts), status, headers, media_type="application/problem+json")


async def on_efpi_error(request: Request, error: Exception) -> Response:
    """The answer to a refusal of the gateway."""
    assert isinstance(error, EfpiError)  # noqa: S101  # registered for this class
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    if isinstance(error, SettingsError):
        every = [mistake.as_json() for mistake in getattr(error, "problems", ())]  # of a site document: all at once
        facts = {"path": error.path, "problems": every}
        return problem(status, error.problem, error.cure, **{name: fact for name, fact in facts.items() if fact})
    return problem(status, error.problem, error.cure)


async def on_http_error(request: Request, error: Exception) -> Response:
    """The answer to a request for which there is no route, or which a route turned away."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class
    answer = problem(error.status_code, error.detail)
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def on_gone(request: Request, error: Exception) -> Response:
    """The answer that nobody hears any more: the caller went before its request was whole."""
    return problem(400, "the request broke off")


async def on_failure(request: Request, error: Exception) -> Response:
    """The answer to an error that nobody expected: a number, under which the log has the rest."""
    number = secrets.token_hex(4)
    text = f"{request.method} {request.url.path} failed [{number}]"
    say(LOG, logging.ERROR, "request_failed", "http", text, exc_info=error, facts={"number": number})
    return problem(
        500, f"an unexpected error, number {number}", f"look for {number} in the gateway's log, and report it"
    )
