"""Refusals of the HTTP doors: JSON with one sentence, never a path or a trace."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse

_CODES = {
    400: "invalid_request",
    401: "invalid_token",
    403: "insufficient_scope",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "too_large",
    421: "wrong_host",
    429: "rate_limited",
    503: "unavailable",
}


def refuse(
    status: int, sentence: str, headers: Mapping[str, str] | None = None, *, code: str = ""
) -> JSONResponse:
    """Give the answer that refuses a request.

    Args:
        status: Of HTTP.
        sentence: What is wrong, and the next move.
        headers: Further ones.
        code: For programs; by the status when it is not given.
    """
    said = {"error": code or _CODES.get(status, "error"), "error_description": sentence}
    return JSONResponse(said, status_code=status, headers=dict(headers or {}))
