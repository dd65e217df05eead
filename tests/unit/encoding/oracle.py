"""The contract's mapping in slow, obvious code: a row after the receiver parsed it."""

import json
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NoReturn

from shared.domain.columns import Column, JsonKind


def parsed(text: str | bytes) -> Any:
    """Parse JSON with objects as lists of pairs, and numbers exact to the last digit and sign."""
    return json.loads(text, object_pairs_hook=list, parse_float=_number, parse_constant=_refused)


def expected_row(columns: Sequence[Column], values: Sequence[Any]) -> list[tuple[str, Any]]:
    """Return the row that ``parsed`` must give for these values, in their Python form (JSON as its text)."""
    return [(column.name, _mapped(column.kind, value)) for column, value in zip(columns, values, strict=True)]


def _mapped(kind: JsonKind, value: Any) -> Any:
    if value is None or (kind is JsonKind.FLOAT and not math.isfinite(value)):
        return None
    if kind is JsonKind.JSON:
        return parsed(value)
    return parsed(json.dumps(value))


def _number(text: str) -> tuple[str, Fraction]:
    return float(text).hex(), Fraction(text)


def _refused(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")
