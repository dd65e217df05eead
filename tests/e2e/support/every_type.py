"""A table with every type of the contract: its values in Python, and their messages.

The messages follow the contract's mapping, built with the standard library alone.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

_EAST = timezone(timedelta(hours=5, minutes=30))
_WEST = timezone(-timedelta(hours=8))
_MOST = 10**38 - 1


def _as_it_is(value: Any) -> Any:
    return value


def _iso(value: date | time | datetime) -> str:
    text = value.isoformat()
    return text.rstrip("0").rstrip(".") if "." in text else text


def _utc(value: datetime) -> str:
    return _iso(value.astimezone(UTC).replace(tzinfo=None)) + "Z"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(scale: int) -> Callable[[Decimal], str]:
    return lambda value: f"{value:.{scale}f}"


@dataclass(frozen=True)
class Column:
    """A column, the SQL that converts a text ``%s`` to its value, some values, and each value's message."""

    name: str
    type: str
    expected: Callable[[Any], Any]
    values: Sequence[Any]
    sql: str = ""
    written: Callable[[Any], str] = str

    @property
    def expression(self) -> str:
        return self.sql or f"%s::{self.type}"


_TEXTS = [
    "",
    "plain",
    "null",
    'a "quoted" \\ back\\\\slash \\n \\u0041',
    "it's '' quoted",
    "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f",
    "🚀🇸🇪👩‍👩‍👧 e\u0301 \u2028\u2029 \ufeff \uffff \U0010ffff",
    "ﷺ عربى 通貨",
    '{"not": ["json"]}\n{"second": "line"}',
    "NaN",
    "%s %% %(name)s $1 ? :1",
    "x" * 5_000,
]
_VARIANTS = [
    {"a": {"b": [1, None, {"c": None, "": "", 'ü\n"': "\u0000\u001f🚀"}]}, "z": 1, "A": 2},
    None,
    [],
    {},
    "a text",
    'line\nbreak \\ "quoted"',
    True,
    0,
    -_MOST,
    2**63,
    1.5e-300,
    [[[[["deep"]]]], None, [None]],
]
_TIMES = [
    datetime.fromisoformat(text)
    for text in (
        "2026-03-01",
        "2026-03-01T12:30:00.5",
        "1969-12-31T23:59:59.999999",
        "1700-02-28T01:02:03.000004",
        "2261-01-01T00:00:00.00001",
    )
]
_ZONED = [
    *(moment.replace(tzinfo=UTC) for moment in _TIMES),
    datetime(2026, 1, 1, 3, tzinfo=_EAST),
    datetime(2025, 12, 31, 20, 0, 0, 100, tzinfo=_WEST),
]
COLUMNS = [
    Column("ID", "NUMBER(38, 0)", _as_it_is, [0, 1, -1, 2**31, 2**53 + 1, -(2**63), 2**64, _MOST, -_MOST]),
    Column("Price", "NUMBER(10, 2)", _plain(2), [Decimal(text) for text in ("0", "0.01", "-99999999.99")]),
    Column(
        "TINY",
        "NUMBER(38, 37)",
        _plain(37),
        [Decimal(text) for text in ("1e-37", "-1e-37", "0", "1", "9." + "9" * 37, "-9." + "1" * 37)],
    ),
    Column(
        "WIDE", "NUMBER(38, 1)", _plain(1), [Decimal(text) for text in ("9" * 37 + ".9", "-1.5", "100000")]
    ),
    Column(
        "RATIO",
        "FLOAT",
        _finite,
        [0.0, -0.0, 1.0, 0.1, -1.5e300, 5e-324, 1e22, 2.0**53, math.nan, math.inf, -math.inf, math.pi],
        written=repr,
    ),
    Column("name", "VARCHAR", _as_it_is, _TEXTS),
    Column("BLOCK_TIMESTAMP", "TIMESTAMP_NTZ(9)", _as_it_is, ["2026-03-01T00:00:00.123456789"]),
    Column("IS_MINT", "BOOLEAN", _as_it_is, [True, False]),
    Column(
        "MINT_DATE", "DATE", _iso, [date(2026, 3, 1), date(1, 1, 1), date(9999, 12, 31), date(1969, 12, 31)]
    ),
    Column("CLOCK", "TIME(9)", _iso, [time(0), time(12, 30, 0, 500_000), time(23, 59, 59, 999_999)]),
    Column("AT", "TIMESTAMP_NTZ(9)", _iso, _TIMES),
    Column("LOCAL_TIME", "TIMESTAMP_LTZ(9)", _utc, _ZONED),
    Column("ZONED_TIME", "TIMESTAMP_TZ(9)", _utc, _ZONED),
    Column(
        "HASH", "BINARY", bytes.hex, [b"", b"\x00\xff", bytes(range(256))], "TO_BINARY(%s, 'HEX')", bytes.hex
    ),
    Column("ANYTHING", "VARIANT", _as_it_is, _VARIANTS, "PARSE_JSON(%s)", json.dumps),
    Column("ATTRIBUTES", "OBJECT", _as_it_is, [_VARIANTS[0], {}], "PARSE_JSON(%s)", json.dumps),
    Column("ENTRIES", "ARRAY", _as_it_is, [_VARIANTS[-1], [], [1, "x", None]], "PARSE_JSON(%s)", json.dumps),
]
_PLACE = '{"type": "Point", "coordinates": [-122.35, 37.55]}'
# Types whose values are made of JSON, each with a value.
STRUCTURED = {
    "GEOGRAPHY": _PLACE,
    "GEOMETRY": _PLACE,
    "VECTOR(FLOAT, 3)": "[1.5, 2, 3]",
    "MAP(VARCHAR, NUMBER)": '{"a": 1}',
    "OBJECT(a NUMBER)": '{"a": 1}',
    "ARRAY(NUMBER)": "[1, 2]",
}
_KEY = "BLOCK_TIMESTAMP"


def every_row() -> list[dict[str, Any]]:
    """Return rows with each value of each column, and a null between two rounds of them."""
    count = max(len(column.values) for column in COLUMNS) + 1
    rows: list[dict[str, Any]] = []
    for index in range(count):
        values = {column.name: [*column.values, None][index % (len(column.values) + 1)] for column in COLUMNS}
        rows.append(values | {_KEY: f"2026-03-01T00:00:00.{index:09d}"})
    return [*rows, dict.fromkeys(values) | {_KEY: "2026-03-02T00:00:00.000000000"}]


def message(row: dict[str, Any]) -> str:
    """Return the row as JSON that distinguishes values, their types and the order of keys."""
    fields = {
        column.name.lower(): None if row[column.name] is None else column.expected(row[column.name])
        for column in COLUMNS
    }
    timestamp = row[_KEY].rstrip("0").rstrip(".")
    return json.dumps(fields | {_KEY.lower(): timestamp})
