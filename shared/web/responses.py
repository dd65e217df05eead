"""Responses, all of them JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from werkzeug import Response

MEDIA_TYPE = "application/json"


def answer(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response. Lone surrogates of a hostile request stay escaped."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return answer_bytes(status, body, headers)


def answer_bytes(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """Return encoded JSON as a stream of one piece.

    functions-framework reads the whole request into memory before it sends a response, unless the response is
    a stream. The service must not read an endless request.
    """
    length = {"Content-Length": str(len(body))}
    return answer_stream(iter((body,)), {**length, **(headers or {})}, status)


def answer_stream(
    pieces: Iterable[bytes], headers: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    """Return JSON in pieces. It forbids caching, because responses depend on the key and caches ignore it."""
    stream: Iterator[bytes] = iter(pieces)
    fixed = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
    return Response(stream, status, {**fixed, **(headers or {})})
