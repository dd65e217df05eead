"""The filter of a job as SQL: ``column IN (values)``.

A column takes the values that it has in the message. Snowflake would
cast any other value silently: matching rows that nobody meant, or failing on the first row it can't cast.
"""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from shared.domain.errors import UnloadRefused
from shared.domain.jobs import FilterValue
from shared.domain.timestamps import canonical
from shared.unload.columns import TableColumn, expression, reference

_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_MOST_DIGITS: Final = 38
_SHOWN_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class _Text:
    """The one text that such a value has in the message, and how to say so."""

    pattern: re.Pattern[str]
    wanted: str


_TEXTS: Final[Mapping[str, _Text]] = MappingProxyType(
    {
        type_: _Text(re.compile(pattern, re.ASCII | re.DOTALL), wanted)
        for type_, pattern, wanted in (
            ("TEXT", ".*", "strings"),
            ("DATE", r"\d{4}-\d{2}-\d{2}", "dates such as 2026-03-01"),
            ("TIME", r"\d{2}:\d{2}:\d{2}(\.\d{0,8}[1-9])?", "times such as 12:30:00 or 12:30:00.5"),
            ("BINARY", "([0-9a-f]{2})*", "bytes in hex of lower case"),
        )
    }
)


def condition(column: TableColumn, values: Sequence[FilterValue]) -> tuple[str, tuple[Any, ...]]:
    """The SQL that picks the rows with one of the values, with ``%s`` for each, and what to bind to them.

    UnloadRefused, saying what the column takes, if it can't have one of the values.
    """
    bound = tuple(_bound(value, column) for value in values)
    compared, placeholder = expression(column), "%s"
    if column.type == "FIXED" and column.scale > 0:
        # As numbers, so that Snowflake can skip partitions; from text, since a literal may become a float.
        compared, placeholder = reference(column), f"%s::NUMBER({_MOST_DIGITS}, {column.scale})"
    return f"{compared} IN ({', '.join([placeholder] * len(bound))})", bound


def unmatched(column: TableColumn, values: Sequence[FilterValue], found: Collection[Any]) -> list[int]:
    """The places of the values that are not among those that were ``found``, as the column is staged."""
    return [place for place, value in enumerate(values) if _bound(value, column) not in found]


def _bound(value: FilterValue, column: TableColumn) -> Any:
    bound: FilterValue | None
    match column.type:
        case "FIXED":
            bound, wanted = _fixed(value, column.scale), f"numbers of at most {column.scale} decimal places"
        case "REAL":
            bound, wanted = _real(value), "numbers"
        case "BOOLEAN":
            bound, wanted = (value if isinstance(value, bool) else None), "true and false"
        case "TIMESTAMP_NTZ":
            bound, wanted = _timestamp(value, ""), "ISO 8601 timestamps"
        case "TIMESTAMP_LTZ" | "TIMESTAMP_TZ":
            bound, wanted = _timestamp(value, "Z"), "ISO 8601 timestamps"
        case type_ if text := _TEXTS.get(type_):
            bound, wanted = _matching(value, text.pattern), text.wanted
        case _:
            raise UnloadRefused(f"The filter can't use column {column.field}: it is of type {column.type}")
    if bound is None:
        raise UnloadRefused(
            f"The filter's column {column.field} has {wanted}, and {_shown(value)} can't be one of them"
        )
    return bound


def _fixed(value: FilterValue, scale: int) -> int | str | None:
    """An integer, or the plain digits at the scale, if the column can hold the very number.

    Digits in a string are as good: decimals come so in the message, and many clients have no other
    numbers of 38 digits.
    """
    if isinstance(value, bool) or (isinstance(value, str) and not _NUMBER.fullmatch(value)):
        return None
    exact = Context(prec=_MOST_DIGITS, traps=[InvalidOperation, Inexact])
    try:
        number = exact.quantize(Decimal(str(value)), Decimal(1).scaleb(-scale))
    except (InvalidOperation, Inexact):
        return None
    return f"{number:f}" if scale else int(number)


def _real(value: FilterValue) -> float | None:
    if isinstance(value, bool | str):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    # The connector writes infinities as names, which Snowflake reads as columns.
    return number if math.isfinite(number) else None


def _timestamp(value: FilterValue, suffix: str) -> str | None:
    """Written in any way that the window's bounds may be; without an offset it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        whole, _, fraction = canonical(value).partition(".")
    except ValueError:
        return None
    return ".".join(part for part in (whole, fraction.rstrip("0")) if part) + suffix


def _matching(value: FilterValue, pattern: re.Pattern[str]) -> str | None:
    if not (isinstance(value, str) and pattern.fullmatch(value)):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair: JSON can write it, no Snowflake text can hold it or be asked for it.
        return None
    return value


def _shown(value: FilterValue) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
