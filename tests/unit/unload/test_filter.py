"""A filter selects exactly the rows whose message has one of its values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import UnloadRefused
from shared.domain.jobs import FilterValue
from shared.unload.statements import Statement, TableColumn
from tests.unit.unload.statements import BLOCK_TIMESTAMP, listed_values, rendered, statement


def filtered(values: list[FilterValue], type_: str, scale: int = 0) -> Statement:
    column = TableColumn("WANTED", type_, scale)
    return statement([BLOCK_TIMESTAMP, column], filter_column="wanted", filter_values=values)


def bound(value: FilterValue, type_: str, scale: int = 0) -> object:
    """Return the value's form in the comparison."""
    [*_, compared] = filtered([value], type_, scale).values
    return compared


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_string_comes_back_from_snowflakes_grammar_as_it_was(values: list[FilterValue]) -> None:
    assert listed_values(rendered(filtered(values, "TEXT"))) == values


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_comes_back_from_snowflakes_grammar_as_it_was(value: float) -> None:
    [number] = listed_values(rendered(filtered([value], "REAL")))
    assert float(number) == value


def test_16384_values_are_one_list() -> None:
    addresses: list[FilterValue] = [f"0x{number:040x}" for number in range(16_384)]
    assert listed_values(rendered(filtered(addresses, "TEXT"))) == addresses


@pytest.mark.parametrize(
    ("value", "type_", "scale", "compared"),
    [
        ("0xabc", "TEXT", 0, "0xabc"),
        (7, "FIXED", 0, 7),
        (7.0, "FIXED", 0, 7),
        ("-0007", "FIXED", 0, -7),
        ("9" * 38, "FIXED", 0, int("9" * 38)),
        (1.5, "FIXED", 2, "1.50"),
        ("1.500", "FIXED", 2, "1.50"),
        (1e-07, "FIXED", 9, "0.000000100"),
        (10**37, "FIXED", 0, 10**37),
        (3, "REAL", 0, 3.0),
        (0.1, "REAL", 0, 0.1),
        (True, "BOOLEAN", 0, True),
        (False, "BOOLEAN", 0, False),
        ("2026-03-01", "DATE", 0, "2026-03-01"),
        ("12:30:00.5", "TIME", 9, "12:30:00.5"),
        ("2026-03-01T00:00:00.500", "TIMESTAMP_NTZ", 9, "2026-03-01T00:00:00.5"),
        ("2026-03-01T00:00:00.000", "TIMESTAMP_NTZ", 9, "2026-03-01T00:00:00"),
        ("2026-03-01T02:00:00+02:00", "TIMESTAMP_TZ", 9, "2026-03-01T00:00:00Z"),
        ("2026-03-01T00:00:00", "TIMESTAMP_LTZ", 9, "2026-03-01T00:00:00Z"),
        ("00ff", "BINARY", 0, "00ff"),
    ],
)
def test_a_value_is_compared_as_the_message_has_it(
    value: FilterValue, type_: str, scale: int, compared: object
) -> None:
    result = bound(value, type_, scale)
    assert result == compared
    assert type(result) is type(compared)


@pytest.mark.parametrize(
    ("value", "type_", "scale"),
    [
        (7, "TEXT", 0),
        (True, "TEXT", 0),
        ("\ud800", "TEXT", 0),
        ("seven", "FIXED", 0),
        ("\N{ARABIC-INDIC DIGIT SEVEN}", "FIXED", 0),
        ("1e3", "FIXED", 0),
        ("NaN", "FIXED", 0),
        (True, "FIXED", 0),
        (1.5, "FIXED", 0),
        ("1.005", "FIXED", 2),
        ("9" * 39, "FIXED", 0),
        (10**38, "FIXED", 0),
        (1e308, "FIXED", 2),
        (float("inf"), "FIXED", 2),
        ("1.5", "REAL", 0),
        (True, "REAL", 0),
        (10**400, "REAL", 0),
        (float("inf"), "REAL", 0),
        (1, "BOOLEAN", 0),
        ("true", "BOOLEAN", 0),
        ("2026-3-1", "DATE", 0),
        ("12:30:00.500", "TIME", 9),
        ("yesterday", "TIMESTAMP_NTZ", 9),
        (1772323200, "TIMESTAMP_NTZ", 9),
        ("00FF", "BINARY", 0),
        ("0xff", "BINARY", 0),
    ],
)
def test_a_value_the_column_can_not_have_is_refused_and_never_cast(
    value: FilterValue, type_: str, scale: int
) -> None:
    with pytest.raises(UnloadRefused, match=r"The filter's column wanted has .* is not one of them"):
        bound(value, type_, scale)


@pytest.mark.parametrize("type_", ["VARIANT", "OBJECT", "ARRAY"])
def test_a_column_of_nested_values_can_not_be_filtered(type_: str) -> None:
    with pytest.raises(UnloadRefused, match=f"cannot use column wanted: its type is {type_}"):
        bound("x", type_)


def test_a_refusal_shows_the_value_but_not_all_of_a_long_one() -> None:
    with pytest.raises(UnloadRefused) as refusal:
        bound("no number" * 1000, "FIXED")
    assert '"no numberno number' in refusal.value.message
    assert len(refusal.value.message) < 200
