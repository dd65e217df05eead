"""Requests and answers in httpx's terms, for both clients."""

from __future__ import annotations

import httpx

from backfills.calls import Reply, Request
from backfills.tries import Lost

CONNECT_SECONDS = 10.0
# Of these the service has not heard: there was no connection to send on.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def base_url(text: str) -> httpx.URL:
    """The service's address, with or without a path; ValueError says what is allowed."""
    try:
        url = httpx.URL(text.strip().rstrip("/"))
    except httpx.InvalidURL as error:
        raise ValueError(f"The service's URL is not one: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.fragment or url.userinfo:
        raise ValueError("Give the service's URL as https://host or https://host/path")
    return url


def headers(api_key: str) -> dict[str, str]:
    """ValueError for a key that no header can hold."""
    if not api_key or not api_key.isascii() or not api_key.isprintable() or api_key != api_key.strip():
        raise ValueError("The API key has to be printable ASCII characters, without spaces around it")
    return {"X-API-Key": api_key, "User-Agent": "backfills-client", "Accept": "application/json"}


def arguments(request: Request) -> tuple[str, str, dict[str, str], bytes | None]:
    """Method, path with query, headers and content."""
    query = f"?{httpx.QueryParams(list(request.query))}" if request.query else ""
    return request.method, request.path + query, dict(request.headers), request.content


def reply(response: httpx.Response) -> Reply:
    return Reply(response.status_code, response.headers, response.content)


def lost(error: httpx.RequestError | httpx.InvalidURL) -> Lost:
    """Httpx's messages name no key; some are empty."""
    reason = str(error) or type(error).__name__
    return Lost(f"No answer from the service: {reason}", sent=not isinstance(error, _NOT_SENT))
