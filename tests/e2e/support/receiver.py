"""A webhook receiver's view of its requests: it drops repeated batches by their ``webhook-id``."""

import itertools
import json
import threading
from collections.abc import Sequence
from email.message import Message
from typing import Any

from infra.local.receiver import is_signed
from tests.fakes.receivers import NarrowReceiver, Receiver, Reply, Request

__all__ = [
    "NarrowReceiver",
    "Patient",
    "Receiver",
    "Reply",
    "Request",
    "batches_once",
    "rows_once",
    "signed_with",
]


class Patient(Receiver):
    """Answers the first ``at_once`` requests like a Receiver, the others only once they ``may_answer``."""

    def __init__(self, *replies: Reply, at_once: int = 0) -> None:
        super().__init__(*replies)
        self.may_answer = threading.Event()
        self._numbers = itertools.count()
        self._at_once = at_once

    def next_reply(self) -> Reply:
        if next(self._numbers) >= self._at_once:
            self.may_answer.wait(25)  # seconds; the service aborts a request after half a minute
        return super().next_reply()


def batches_once(requests: Sequence[Request]) -> list[bytes]:
    """Return the bodies, once per ``webhook-id``; a repeated batch must equal the first."""
    first: dict[str, bytes] = {}
    for request in requests:
        identifier = request.headers["webhook-id"]
        assert first.setdefault(identifier, request.body) == request.body
    return list(first.values())


def rows_once(requests: Sequence[Request]) -> list[dict[str, Any]]:
    """Return the rows of all batches, once per ``webhook-id``."""
    return [row for body in batches_once(requests) for row in json.loads(body)]


def signed_with(secret: str, request: Request) -> bool:
    """Return whether both signatures of the request match the secret."""
    headers = Message()
    for name, value in request.headers.items():
        headers[name] = value
    return is_signed(headers, request.body, secret.encode())
