"""Check whether Snowflake recognizes a repeated request id, in the same session and in another.

The connector generates the ids itself, and repeats one when an answer is lost.
"""

import uuid
import warnings
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import snowflake.connector

from shared.domain.errors import Unavailable

_PATH = "/queries/v1/query-request?requestId="
_TEXT = "SELECT 'doctor: the same request, twice'"


@dataclass(frozen=True, slots=True)
class Repeated:
    """Whether the repeated request got the first one's query."""

    same_session: bool
    other_session: bool


def repeat_request(connect: Mapping[str, Any]) -> Repeated:
    """Send one request three times: twice over a session, once over another."""
    request_id = str(uuid.uuid4())
    arguments = {"login_timeout": 15, **connect, "enable_server_session_keep_alive_auto_detection": True}
    with closing(snowflake.connector.connect(**arguments)) as connection:
        first, again = (_query_of(connection, request_id) for _ in range(2))
        with closing(snowflake.connector.connect(**arguments)) as other:
            elsewhere = _query_of(other, request_id)
    return Repeated(first == again, first == elsewhere)


def _query_of(connection: Any, request_id: str) -> str:
    with warnings.catch_warnings():
        # This parameter is deprecated, and there is no other way to set a request's id. Once it is removed,
        # the check reports that it cannot run.
        warnings.simplefilter("ignore", DeprecationWarning)
        rest = connection.rest
    body = {"sqlText": _TEXT, "asyncExec": True, "sequenceId": 1}
    answer = rest.request(f"{_PATH}{request_id}", body, client="doctor")
    query_id = (answer.get("data") or {}).get("queryId")
    if not query_id:
        raise Unavailable("Snowflake", detail=f"a request got the answer {answer.get('code')}")
    return str(query_id)
