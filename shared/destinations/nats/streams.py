"""Finds out why nobody listens to a subject: no stream holds it, or the stream's leader is changing."""

import json
from typing import Any

import nats.errors
from nats.aio.client import Client

from shared.destinations.printable import printable
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable

API = "$JS.API."
_NAMES = f"{API}STREAM.NAMES"
_SECONDS = 5.0
_NOT_ENABLED = 10039  # JetStream, for the account


async def why_nobody_listens(client: Client, subject: str, *, acknowledged: bool) -> BackfillError:
    """Ask JetStream which streams hold the subject, and return our error.

    The error is DestinationRefused if no stream does, or without JetStream. Otherwise it is Unavailable,
    because the stream will come back. ``acknowledged``: rows were acknowledged before, so a stream existed.
    This decides if the query gets no answer, because the credentials may lack permission for it.
    """
    none = DestinationRefused(f"No stream holds subject {subject}: have one hold it, and retry the job")
    passing = Unavailable(f"the stream of subject {subject}", detail="nobody listens to it at the moment")
    try:
        told = await client.request(_NAMES, json.dumps({"subject": subject}).encode(), timeout=_SECONDS)
        answer = json.loads(told.data)
    except (nats.errors.NoRespondersError, nats.errors.TimeoutError, ValueError):
        return passing if acknowledged else none
    return _meaning(answer, none, passing)


def _meaning(answer: Any, none: BackfillError, passing: BackfillError) -> BackfillError:
    if not isinstance(answer, dict):
        return passing
    error = answer.get("error")
    if isinstance(error, dict):
        detail = printable(f"{error.get('code')} {error.get('err_code')}: {error.get('description')}")
        if error.get("err_code") == _NOT_ENABLED:
            return DestinationRefused(
                "The NATS account has no JetStream: enable it, and retry the job", detail=detail
            )
        return Unavailable("JetStream", detail=detail)
    return passing if answer.get("streams") else none
