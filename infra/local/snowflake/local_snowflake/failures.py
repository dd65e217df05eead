"""Errors in Snowflake's form: a number, an SQLSTATE and a message."""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb
from snowflake.connector.errors import Error
from sqlglot.errors import ParseError


@dataclass(eq=False)  # not frozen: raising an exception writes to it
class Failure(Exception):  # noqa: N818 - it is also a value: a query's outcome
    """How a statement failed: Snowflake's error number, SQLSTATE and message."""

    errno: int
    sqlstate: str
    message: str

    @property
    def code(self) -> str:
        """The number in the protocol's form: six digits."""
        return f"{self.errno:06d}"


CANCELED = Failure(604, "57014", "SQL execution canceled")
NOT_EXECUTING = Failure(605, "57014", "Identified SQL statement is not currently executing.")


def timed_out(seconds: float) -> Failure:
    return Failure(
        630,
        "57014",
        f"Statement reached its statement or warehouse timeout of {seconds:g} second(s) and was canceled.",
    )


def compilation(message: str, errno: int = 1003, sqlstate: str = "42000") -> Failure:
    return Failure(errno, sqlstate, f"SQL compilation error:\n{message}")


def missing(kind: str, name: str) -> Failure:
    """Return the failure for a database, schema, stage or object that is missing or hidden from the role."""
    sqlstate = "42S02" if kind == "Object" else "02000"
    return compilation(f"{kind} '{name}' does not exist or not authorized.", 2003, sqlstate)


def invalid_identifier(name: str, line: int, position: int) -> Failure:
    """Return the failure for a missing column; ``position`` counts from 0, like Snowflake."""
    shown = name if re.fullmatch(r"[A-Z_][A-Z0-9_$]*", name) else f'"{name}"'
    message = f"SQL compilation error: error line {line} at position {position}\ninvalid identifier '{shown}'"
    return Failure(904, "42000", message)


def unsupported(what: str) -> Failure:
    """Return the permanent failure for a feature of Snowflake that this server lacks."""
    return Failure(2, "0A000", f"Unsupported feature of the local Snowflake: {what}")


def failure_of(error: Exception) -> Failure:  # noqa: PLR0911 - one line an error
    """Translate any error of fakesnow, sqlglot or DuckDB into Snowflake's form."""
    if isinstance(error, Failure):
        return error
    cause = error.__cause__ if isinstance(error.__cause__, duckdb.Error) else error
    text = str(cause).partition("\n")[0]
    match cause:
        case duckdb.InterruptException():
            return CANCELED
        case duckdb.ConversionException():
            return Failure(100038, "22018", text)
        case duckdb.OutOfRangeException():
            return Failure(100046, "22003", text)
        case duckdb.BinderException() if column := re.search(r'(?:column|named) "([^"]+)"', text):
            return invalid_identifier(column[1], 1, 0)
        case Error(errno=int(errno), sqlstate=str(sqlstate)):
            return Failure(errno, sqlstate, cause.raw_msg if hasattr(cause, "raw_msg") else str(cause.msg))
        case ParseError():
            return compilation(f"syntax error: {text}")
        case duckdb.Error():
            return compilation(text)
        case NotImplementedError():
            return unsupported(text)
    return Failure(300010, "XX000", f"SQL execution internal error: {type(cause).__name__}: {text}")
