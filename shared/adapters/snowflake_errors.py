"""What Snowflake's errors mean for a job: refused for good, or worth another try.

Numbers and SQLSTATEs are Snowflake's own. What may never reach a client stays in ``detail``: the text of
an error names objects, and may quote values.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from snowflake.connector.errors import Error, OperationalError

from shared.domain.errors import BackfillError, Unavailable, UnloadRefused

_CONNECTION_CLOSED: Final = 250002
# 390100 to 390999 are of the session: its token has expired, or the server has forgotten it.
_SESSION_ERRORS: Final = range(390100, 391000)

# 2003 and 2043: no such object, or none that the role may see. 904: no such column. 3001: no right.
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
        3001: "The service lacks a right in Snowflake that the export needs. Ask the operator to grant it",
        606: "The service has no Snowflake warehouse to export with. Ask the operator to configure one",
        630: "The export ran into its time limit. Split the window, or filter, into several backfills",
    }
)
_NO_CREDIT: Final = (
    "Snowflake's credit quota for exports is used up. Ask the operator to raise it, then create the "
    "backfill again"
)
_REFUSED: Final = "Snowflake refuses the export with its error {number:06d}. Ask the operator to look it up"
_IDENTIFIER: Final = re.compile(r"invalid identifier '([^']{1,255})'")
_OUT_OF_CREDIT: Final = re.compile(r"resource monitor|exceeded its quota", re.IGNORECASE)
# 42: the statement or a right; 0A: a feature there isn't; 22: a value that can't be what it has to be.
_LASTING_CLASSES: Final = ("42", "0A", "22")
_LASTING_BEGINNINGS: Final = ("SQL compilation error", "SQL access control error")
_VALUE_CLASS: Final = "22"


def is_session_gone(error: Error) -> bool:
    """Whether a new session may do what failed, which therefore was not begun."""
    return error.errno in _SESSION_ERRORS or error.errno == _CONNECTION_CLOSED


def meaning(error: Error, subject: str = "The table") -> BackfillError:
    """UnloadRefused, telling its reader what to do, or Unavailable; ``subject`` begins the sentence."""
    detail = _detail(error)
    reason = None if isinstance(error, OperationalError) else _reason(error, subject)
    return Unavailable("Snowflake", detail=detail) if reason is None else UnloadRefused(reason, detail=detail)


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
