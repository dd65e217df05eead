"""The local Snowflake's description of each type, and its unload's form of it."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.local_snowflake.conftest import LocalSnowflake

pytestmark = pytest.mark.emulator

MOMENT = "'YYYY-MM-DD\"T\"HH24:MI:SS.FF9'"
FIXED, REAL, TEXT, DATE, VARIANT, LTZ, TZ, NTZ, OBJECT, ARRAY, BINARY, TIME, BOOLEAN = (
    0,
    1,
    2,
    3,
    *range(5, 14),
)


def trimmed(text: str) -> str:
    return f"RTRIM(RTRIM({text}, '0'), '.')"


def utc(column: str) -> str:
    return trimmed(f"TO_VARCHAR(CONVERT_TIMEZONE('UTC', {column})::TIMESTAMP_NTZ(9), {MOMENT})") + " || 'Z'"


@pytest.fixture
def unloaded(local_snowflake: "LocalSnowflake", cursor: Any) -> Iterator[Callable[..., list[Any]]]:
    """Store values in a column of a type; return the results of an unload's expression over it, in order."""

    def unload(kind: str, expression: str, *values: str) -> list[Any]:
        cursor.execute(f"CREATE OR REPLACE TABLE ONE_COLUMN (K BIGINT, C {kind})")
        for key, value in enumerate(values):
            cursor.execute(f"INSERT INTO ONE_COLUMN SELECT {key}, {value}")
        select = f'SELECT "K" AS "K", {expression} AS "C" FROM "BASE"."ASSETS"."ONE_COLUMN"'
        (table,) = local_snowflake.unload(cursor, select)
        return [row["C"] for row in sorted(table.to_pylist(), key=lambda row: row["K"])]

    yield unload
    cursor.execute("DROP TABLE IF EXISTS ONE_COLUMN")


@pytest.mark.parametrize(
    ("kind", "code", "precision", "scale"),
    [
        ("NUMBER(38,0)", FIXED, 38, 0),
        ("BIGINT", FIXED, 38, 0),
        ("INT", FIXED, 38, 0),
        ("NUMBER(20,4)", FIXED, 20, 4),
        ("NUMBER(10,0)", FIXED, 10, 0),
        ("FLOAT", REAL, None, None),
        ("VARCHAR", TEXT, None, None),
        ("BOOLEAN", BOOLEAN, None, None),
        ("DATE", DATE, None, None),
        ("TIME", TIME, 0, 9),
        ("TIMESTAMP_NTZ(9)", NTZ, 0, 9),
        ("TIMESTAMP_LTZ", LTZ, 0, 9),
        ("TIMESTAMP_TZ(3)", TZ, 0, 3),
        ("BINARY", BINARY, None, None),
        ("VARIANT", VARIANT, None, None),
        ("OBJECT", OBJECT, None, None),
        ("ARRAY", ARRAY, None, None),
    ],
)
def test_a_table_is_described_with_the_types_it_was_declared_with(
    cursor: Any, kind: str, code: int, precision: int | None, scale: int | None
) -> None:
    cursor.execute(f"CREATE OR REPLACE TABLE DESCRIBED (C {kind})")
    (column,) = cursor.describe('SELECT * FROM "BASE"."ASSETS"."DESCRIBED"')
    assert (column.name, column.type_code, column.precision, column.scale) == ("C", code, precision, scale)


def test_integers_keep_all_38_digits(unloaded: Callable[..., list[Any]]) -> None:
    largest = "9" * 38
    assert unloaded("NUMBER(38,0)", '"C"', largest, f"-{largest}", "0") == [
        Decimal(largest),
        Decimal(f"-{largest}"),
        Decimal(0),
    ]


def test_decimals_are_plain_digits_at_their_scale(unloaded: Callable[..., list[Any]]) -> None:
    text = unloaded("NUMBER(38,18)", 'TO_VARCHAR("C")', "0.000000000000000001", "-12.5", "0", "NULL")
    assert text == ["0.000000000000000001", "-12.500000000000000000", "0.000000000000000000", None]


def test_floats_and_booleans_stay_as_they_are(unloaded: Callable[..., list[Any]]) -> None:
    floats = unloaded("FLOAT", '"C"', "1.5", "1e300", "'inf'::FLOAT", "'-inf'::FLOAT", "NULL")
    assert floats == [1.5, 1e300, float("inf"), float("-inf"), None]
    (not_a_number,) = unloaded("FLOAT", '"C"', "'NaN'::FLOAT")
    assert not_a_number != not_a_number  # noqa: PLR0124 - only NaN differs from itself
    assert unloaded("BOOLEAN", '"C"', "TRUE", "FALSE", "NULL") == [True, False, None]


def test_dates_and_times_are_text(unloaded: Callable[..., list[Any]]) -> None:
    dates = unloaded(
        "DATE", "TO_VARCHAR(\"C\", 'YYYY-MM-DD')", "'2026-03-01'", "'0001-01-01'", "'9999-12-31'", "NULL"
    )
    assert dates == ["2026-03-01", "0001-01-01", "9999-12-31", None]
    times = unloaded(
        "TIME",
        trimmed("TO_VARCHAR(\"C\", 'HH24:MI:SS.FF9')"),
        "'10:00:00'",
        "'23:59:59.123456789'",
        "'00:00:00.5'",
        "NULL",
    )
    assert times == ["10:00:00", "23:59:59.123456789", "00:00:00.5", None]


def test_timestamps_keep_nanoseconds_and_drop_trailing_zeros(unloaded: Callable[..., list[Any]]) -> None:
    moments = unloaded(
        "TIMESTAMP_NTZ(9)",
        trimmed(f'TO_VARCHAR("C", {MOMENT})'),
        "'2026-03-01T00:00:00'",
        "'2026-03-01 00:00:00.123456789'::TIMESTAMP_NTZ(9)",
        "'1969-12-31 23:59:59.100'",
        "NULL",
    )
    assert moments == [
        "2026-03-01T00:00:00",
        "2026-03-01T00:00:00.123456789",
        "1969-12-31T23:59:59.1",
        None,
    ]


@pytest.mark.parametrize("kind", ["TIMESTAMP_TZ", "TIMESTAMP_LTZ"])
def test_zoned_timestamps_are_converted_to_utc(unloaded: Callable[..., list[Any]], kind: str) -> None:
    moments = unloaded(
        kind,
        utc('"C"'),
        f"'2026-03-01 10:00:00.123456789 +02:00'::{kind}",
        f"'2026-03-01T10:00:00-07:00'::{kind}",
        f"'2026-03-01 10:00:00'::{kind}",
        "NULL",
    )
    assert moments == ["2026-03-01T08:00:00.123456789Z", "2026-03-01T17:00:00Z", "2026-03-01T10:00:00Z", None]


def test_binaries_are_hex_in_lower_case(unloaded: Callable[..., list[Any]]) -> None:
    binaries = unloaded(
        "BINARY", 'HEX_ENCODE("C", 0)', "TO_BINARY('00ABFF', 'HEX')", "TO_BINARY('', 'HEX')", "NULL"
    )
    assert binaries == ["00abff", "", None]


@pytest.mark.parametrize("kind", ["VARIANT", "OBJECT", "ARRAY"])
def test_semi_structured_values_are_compact_json(unloaded: Callable[..., list[Any]], kind: str) -> None:
    nested = (
        """PARSE_JSON('{"a": [1, 2.5, null, true], "b": {"c": "é\\\\n🚀"}, "d": 12345678901234567890123}')"""
    )
    compact = '{"a":[1,2.5,null,true],"b":{"c":"é\\n🚀"},"d":12345678901234567890123}'
    assert unloaded(kind, 'TO_JSON("C")', nested, "NULL") == [compact, None]


@pytest.mark.parametrize("kind", ["OBJECT(a NUMBER, b VARCHAR)", "MAP(VARCHAR, NUMBER)", "OBJECT"])
def test_structured_values_are_compact_json(unloaded: Callable[..., list[Any]], kind: str) -> None:
    made = """PARSE_JSON('{"a": 1, "b": null}')"""
    assert unloaded(kind, 'TO_JSON("C"::OBJECT)', made, "NULL") == ['{"a":1,"b":null}', None]


@pytest.mark.parametrize("kind", ["ARRAY(NUMBER)", "ARRAY", "VECTOR(FLOAT, 3)"])
def test_arrays_and_vectors_are_json_arrays(unloaded: Callable[..., list[Any]], kind: str) -> None:
    made = "PARSE_JSON('[1.5, 2, 3]')"
    assert unloaded(kind, 'TO_JSON("C"::ARRAY)', made, "NULL") == ["[1.5,2,3]", None]


@pytest.mark.parametrize("kind", ["GEOGRAPHY", "GEOMETRY"])
def test_places_are_geojson(unloaded: Callable[..., list[Any]], kind: str) -> None:
    made = """PARSE_JSON('{"type": "Point", "coordinates": [-122.3, 37.5]}')"""
    geojson = '{"type":"Point","coordinates":[-122.3,37.5]}'
    assert unloaded(kind, 'TO_JSON(ST_ASGEOJSON("C"))', made, "NULL") == [geojson, None]


@pytest.mark.parametrize(
    "text", ["it's", "back\\slash", "%s $x {y}", "tab\tnul\x00", "--c /*c*/ ;", "🚀\u2028", ""]
)
def test_any_string_can_be_stored_filtered_by_and_unloaded(
    local_snowflake: "LocalSnowflake", cursor: Any, text: str
) -> None:
    cursor.execute("CREATE OR REPLACE TABLE TEXTS (C VARCHAR)")
    cursor.execute("INSERT INTO TEXTS SELECT %s", (text,))
    select = 'SELECT "C" AS "C" FROM "BASE"."ASSETS"."TEXTS" WHERE "C" IN (%s)'
    cursor.execute(local_snowflake.copy(select, local_snowflake.prefix()), (text,))
    ((name, _, _),) = cursor.fetchall()
    assert local_snowflake.read(name).to_pylist() == [{"C": text}]
