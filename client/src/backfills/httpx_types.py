"""Requests and answers in httpx's types, for both clients."""

from __future__ import annotations

import httpx

from backfills import __version__
from backfills.calls import Reply, Request
from backfills.tries import Lost

CONNECT_SECONDS = 10.0
# After these errors the service has not received the request: there was no connection.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def base_url(text: str) -> httpx.URL:
    """Parse the service's address, with or without a path. Raises ValueError, which says what is allowed."""
    try:
        url = httpx.URL(text.strip().rstrip("/"))
    except httpx.InvalidURL as error:
        raise ValueError(f"The service's URL is invalid: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.fragment or url.userinfo:
        raise ValueError("Give the service's URL as https://host or https://host/path")
    return url


def headers(api_key: str) -> dict[str, str]:
    """Build the headers. Raises ValueError for a key that a header cannot hold."""
    if not api_key or not api_key.isascii() or not api_key.isprintable() or api_key != api_key.strip():
        raise ValueError("The API key must consist of printable ASCII characters, without surrounding spaces")
    return {
        "X-API-Key": api_key,
        "User-Agent": f"backfills-client/{__version__}",
        "Accept": "application/json",
    }


def timeouts(seconds: float) -> httpx.Timeout:
    """Build the limits of an attempt. A service that cannot be connected to is given up earlier."""
    return httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))


def arguments(request: Request) -> tuple[str, str, dict[str, str], bytes | None]:
    """Return method, path with query, headers and content."""
    query = f"?{httpx.QueryParams(list(request.query))}" if request.query else ""
    return request.method, request.path + query, dict(request.headers), request.content


def reply(response: httpx.Response) -> Reply:
    return Reply(response.status_code, response.headers, response.content)


def lost(error: httpx.RequestError | httpx.InvalidURL) -> Lost:
    """Convert an httpx error. Its messages contain no key; some are empty."""
    reason = str(error) or type(error).__name__
    return Lost(f"No answer from the service: {reason}", sent=not isinstance(error, _NOT_SENT))
