"""The filter of a job as SQL: ``column IN (values)``.

A filter accepts the values that the column has in the message. Snowflake would silently cast any other value,
and then match unintended rows, or fail on the first row that it cannot cast.
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
    """The single text form of such a value in the message, and its description for errors."""

    pattern: re.Pattern[str]
    wanted: str


_TEXTS: Final[Mapping[str, _Text]] = MappingProxyType(
    {
        type_: _Text(re.compile(pattern, re.ASCII | re.DOTALL), wanted)
        for type_, pattern, wanted in (
            ("TEXT", ".*", "strings"),
            ("DATE", r"\d{4}-\d{2}-\d{2}", "dates like 2026-03-01"),
            ("TIME", r"\d{2}:\d{2}:\d{2}(\.\d{0,8}[1-9])?", "times like 12:30:00 or 12:30:00.5"),
            ("BINARY", "([0-9a-f]{2})*", "bytes in lower-case hex"),
        )
    }
)


def condition(column: TableColumn, values: Sequence[FilterValue]) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL that selects rows with one of the values, with ``%s`` for each, and the bound values.

    Raises UnloadRefused, which says what the column accepts, if it cannot have one of the values.
    """
    bound = tuple(_bound(value, column) for value in values)
    compared, placeholder = expression(column), "%s"
    if column.type == "FIXED" and column.scale > 0:
        # Compare numbers, so that Snowflake can prune partitions; from text, because a literal may become a
        # float.
        compared, placeholder = reference(column), f"%s::NUMBER({_MOST_DIGITS}, {column.scale})"
    return f"{compared} IN ({', '.join([placeholder] * len(bound))})", bound


def unmatched(column: TableColumn, values: Sequence[FilterValue], found: Collection[Any]) -> list[int]:
    """Return the indexes of the values that are not in ``found``, which has the column's staged form."""
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
            raise UnloadRefused(f"The filter cannot use column {column.field}: its type is {column.type}")
    if bound is None:
        raise UnloadRefused(
            f"The filter's column {column.field} has {wanted}, and {_shown(value)} is not one of them"
        )
    return bound


def _fixed(value: FilterValue, scale: int) -> int | str | None:
    """Return an integer, or the plain digits at the scale, if the column can hold exactly this number.

    Strings of digits are accepted too: decimals have that form in the message, and many clients have no
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
    # The connector writes infinities as names, which Snowflake parses as columns.
    return number if math.isfinite(number) else None


def _timestamp(value: FilterValue, suffix: str) -> str | None:
    """Parse every form that the window's bounds may have; without an offset it is UTC."""
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
        # Half of a surrogate pair: JSON can contain it, but Snowflake text cannot, even in a query.
        return None
    return value


def _shown(value: FilterValue) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
