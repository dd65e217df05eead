"""The physical types that a column's kind may have in a staged file, and the encoder's type for it."""

from collections.abc import Callable
from typing import Final

import pyarrow as pa
from pyarrow import types

from shared.domain.columns import JsonKind


def _is_text(physical: pa.DataType) -> bool:
    if types.is_dictionary(physical):
        return _is_plain_text(physical.value_type)
    return _is_plain_text(physical) or bool(types.is_string_view(physical))


def _is_plain_text(physical: pa.DataType) -> bool:
    return bool(types.is_string(physical) or types.is_large_string(physical))


def _is_integer(physical: pa.DataType) -> bool:
    return bool(types.is_integer(physical) or (types.is_decimal(physical) and physical.scale == 0))


_HOLDS: Final[dict[JsonKind, Callable[[pa.DataType], bool]]] = {
    JsonKind.TEXT: _is_text,
    JsonKind.INTEGER: _is_integer,
    JsonKind.FLOAT: types.is_floating,
    JsonKind.BOOLEAN: types.is_boolean,
    JsonKind.JSON: _is_text,
}


def can_hold(physical: pa.DataType, kind: JsonKind) -> bool:
    """Return whether a column of this Arrow type can hold values of that kind; a column of nulls holds
    any.
    """
    return bool(types.is_null(physical) or _HOLDS[kind](physical))


def normalized(values: pa.Array) -> pa.Array:
    """Return the same values in a type that the encoder writes exactly."""
    physical = values.type
    if types.is_floating(physical):
        # The shortest text of a float32 reads back as a different double.
        return values.cast(pa.float64())
    if types.is_dictionary(physical) or types.is_string_view(physical):
        return values.cast(pa.large_string())
    return values
