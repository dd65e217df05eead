"""Classify Snowflake's errors: permanent refusals, or temporary failures worth a retry.

Numbers and SQLSTATEs are Snowflake's own. The text of an error names objects and may quote values, so it
stays in ``detail`` and never reaches a client.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from snowflake.connector.errors import Error, OperationalError

from shared.domain.errors import BackfillError, Unavailable, UnloadRefused, WarehouseRefused

_CONNECTION_CLOSED: Final = 250002
# 390100 to 390999 concern the session: its token has expired, or the server no longer knows it.
_SESSION_ERRORS: Final = range(390100, 391000)

# 2003 and 2043: no such object, or the role may not see it. 904: no such column. 3001: no privilege.
# 606: no warehouse. 630: the statement's time limit.
_MISSING: Final = (
    "{subject} does not exist in Snowflake, or the service may not read it. Check the name; if it is right, "
    "ask the operator for access"
)
_REASONS: Final[Mapping[int, str]] = MappingProxyType(
    {
        2003: _MISSING,
        2043: _MISSING,
        904: "Snowflake knows no column{name} in the table. Check the names; the table may have changed",
        3001: "The service lacks a Snowflake privilege that the export needs. Ask the operator to grant it",
        606: "The service has no Snowflake warehouse to export with. Ask the operator to configure one",
        630: "The export exceeded its time limit. Split the window, or the filter, into several backfills",
    }
)
_NO_CREDIT: Final = (
    "Snowflake's credit quota for exports is used up. Ask the operator to raise it, then create the "
    "backfill again"
)
_REFUSED: Final = "Snowflake refuses the export with error {number:06d}. Ask the operator to look it up"
_OF_THE_WAREHOUSE: Final = frozenset({_REASONS[606], _REASONS[630], _NO_CREDIT})
_IDENTIFIER: Final = re.compile(r"invalid identifier '([^']{1,255})'")
_OUT_OF_CREDIT: Final = re.compile(r"resource monitor|exceeded its quota", re.IGNORECASE)
# 42: the statement or a privilege; 0A: an unsupported feature; 22: an invalid value.
_LASTING_CLASSES: Final = ("42", "0A", "22")
_LASTING_BEGINNINGS: Final = ("SQL compilation error", "SQL access control error")
_VALUE_CLASS: Final = "22"


def is_session_gone(error: Error) -> bool:
    """Return whether the session is gone. The request then never began, and a new session may run it."""
    return error.errno in _SESSION_ERRORS or error.errno == _CONNECTION_CLOSED


def meaning(error: Error, subject: str = "The table") -> BackfillError:
    """Return UnloadRefused with advice for the client, or Unavailable; ``subject`` begins the sentence."""
    detail = _detail(error)
    reason = None if isinstance(error, OperationalError) else _reason(error, subject)
    if reason is None:
        return Unavailable("Snowflake", detail=detail)
    refusal = WarehouseRefused if reason in _OF_THE_WAREHOUSE else UnloadRefused
    return refusal(reason, detail=detail)


def _reason(error: Error, subject: str) -> str | None:
    text = str(error.raw_msg)
    lasting = (error.sqlstate or "").startswith(_LASTING_CLASSES) or text.startswith(_LASTING_BEGINNINGS)
    if _OUT_OF_CREDIT.search(text):
        return _NO_CREDIT
    if error.errno not in _REASONS and not lasting:
        return None
    identifier = _IDENTIFIER.search(text)
    name = f" {identifier[1]}" if identifier else ""
    return _REASONS.get(error.errno, _REFUSED).format(subject=subject, name=name, number=error.errno)


def _detail(error: Error) -> str:
    text = "" if (error.sqlstate or "").startswith(_VALUE_CLASS) else f": {error.raw_msg}"
    return f"{type(error).__name__} {error.errno} ({error.sqlstate}) of query {error.sfqid}{text}"
