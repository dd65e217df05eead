"""Answers, all of them JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from werkzeug import Response

MEDIA_TYPE = "application/json"


def answer(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer. Half characters of a hostile request leave as the escapes they came as."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return answer_bytes(status, body, headers)


def answer_bytes(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that is already encoded, as a stream of one piece.

    functions-framework reads all of a request into memory before it sends an answer, unless the answer
    is a stream; a request without end must not be read to its end.
    """
    length = {"Content-Length": str(len(body))}
    return answer_stream(iter((body,)), {**length, **(headers or {})}, status)


def answer_stream(
    pieces: Iterable[bytes], headers: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    """JSON in pieces. Answers depend on the key, which caches between us and the client do not know."""
    stream: Iterator[bytes] = iter(pieces)
    fixed = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
    return Response(stream, status, {**fixed, **(headers or {})})
