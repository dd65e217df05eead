"""The local Snowflake's COPY INTO <location>."""

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from snowflake.connector.errors import ProgrammingError

if TYPE_CHECKING:
    from tests.integration.local_snowflake.conftest import LocalSnowflake

pytestmark = pytest.mark.emulator

ALL = 'SELECT "N" AS "N", "S" AS "S" FROM "BASE"."ASSETS"."NUMBERS"'
ROWS = 50_000


@pytest.fixture
def numbers(cursor: Any) -> None:
    """Create 50,000 rows with integers from 0 to beyond 64 bits, each with a unique text."""
    cursor.execute("CREATE OR REPLACE TABLE NUMBERS (N NUMBER(38,0), S VARCHAR, T TIMESTAMP_NTZ)")
    cursor.execute(
        "INSERT INTO NUMBERS SELECT CASE WHEN SEQ8() < 20000 THEN SEQ8() WHEN SEQ8() < 40000 "
        "THEN SEQ8() * 1000000000 ELSE SEQ8() * 10000000000000000000000000 END, SHA2(SEQ8()::VARCHAR), NULL "
        f"FROM TABLE(GENERATOR(ROWCOUNT => {ROWS}))"
    )


@pytest.mark.usefixtures("numbers")
def test_the_detailed_output_lists_every_file_with_its_size_and_rows(
    local_snowflake: "LocalSnowflake", cursor: Any
) -> None:
    prefix = local_snowflake.prefix()
    cursor.execute(local_snowflake.copy(ALL, prefix, max_bytes=200_000))
    rows = cursor.fetchall()
    assert [column.name for column in cursor.description] == ["FILE_NAME", "FILE_SIZE", "ROW_COUNT"]
    assert sorted(name for name, _, _ in rows) == sorted(local_snowflake.files(prefix))
    assert all(name.startswith(f"{prefix}data_{cursor.sfqid}_") for name, _, _ in rows)
    assert sum(count for _, _, count in rows) == ROWS
    assert len(rows) >= 10
    assert max(size for _, size, _ in rows) <= 200_000


@pytest.mark.usefixtures("numbers")
def test_an_integer_column_is_as_narrow_in_each_file_as_its_values_allow(
    local_snowflake: "LocalSnowflake", cursor: Any
) -> None:
    tables = local_snowflake.unload(cursor, ALL, max_bytes=200_000)
    assert {table.schema.field("N").type for table in tables} == {
        pa.int32(),
        pa.int64(),
        pa.decimal128(38, 0),
    }
    values = [int(value) for table in tables for value in table["N"].to_pylist()]
    assert len(set(values)) == ROWS
    assert max(values) == 49_999 * 10**25


@pytest.mark.usefixtures("numbers")
def test_a_session_can_have_integers_as_wide_as_their_column(
    local_snowflake: "LocalSnowflake", cursor: Any
) -> None:
    cursor.execute("ALTER SESSION SET ENABLE_UNLOAD_PHYSICAL_TYPE_OPTIMIZATION = FALSE")
    (table,) = local_snowflake.unload(cursor, ALL + ' WHERE "N" < 10')
    assert table.schema.field("N").type == pa.decimal128(38, 0)


@pytest.mark.usefixtures("numbers")
def test_no_rows_give_no_file(local_snowflake: "LocalSnowflake", cursor: Any) -> None:
    prefix = local_snowflake.prefix()
    cursor.execute(local_snowflake.copy(ALL + ' WHERE "N" < 0', prefix))
    assert cursor.fetchall() == []
    assert local_snowflake.files(prefix) == []


@pytest.mark.usefixtures("numbers")
def test_a_location_that_holds_files_is_refused(local_snowflake: "LocalSnowflake", cursor: Any) -> None:
    statement = local_snowflake.copy(ALL, local_snowflake.prefix())
    cursor.execute(statement)
    with pytest.raises(ProgrammingError, match="Files already existing at the unload destination"):
        cursor.execute(statement)


@pytest.mark.usefixtures("numbers")
@pytest.mark.parametrize(
    ("select", "code", "message"),
    [
        ('SELECT "M" AS "M" FROM "BASE"."ASSETS"."NUMBERS"', (904, "42000"), "invalid identifier 'M'"),
        ('SELECT "n" AS "n" FROM "BASE"."ASSETS"."NUMBERS"', (904, "42000"), "invalid identifier '\"n\"'"),
        (
            'SELECT 1 AS "A" FROM "BASE"."ASSETS"."NONE"',
            (2003, "42S02"),
            "Object 'BASE.ASSETS.NONE' does",
        ),
        ('SELECT 1 AS "A" FROM "BASE"."assets"."NUMBERS"', (2003, "02000"), "Schema 'BASE.assets' does not"),
        ('SELECT 1 AS "A" FROM "NONE"."ASSETS"."NUMBERS"', (2003, "02000"), "Database 'NONE' does not"),
    ],
)
def test_a_name_that_does_not_exist_is_refused_as_snowflake_refuses_it(
    local_snowflake: "LocalSnowflake", cursor: Any, select: str, code: tuple[int, str], message: str
) -> None:
    with pytest.raises(ProgrammingError, match=message) as refusal:
        cursor.execute(local_snowflake.copy(select, local_snowflake.prefix()))
    assert (refusal.value.errno, refusal.value.sqlstate) == code


def test_a_missing_column_is_refused_with_its_position(cursor: Any) -> None:
    cursor.execute("CREATE OR REPLACE TABLE NARROW (A INT)")
    with pytest.raises(ProgrammingError, match="error line 1 at position 7\ninvalid identifier 'X'"):
        cursor.execute("SELECT X FROM NARROW")


def test_a_zoned_timestamp_can_not_be_unloaded_as_it_is(
    local_snowflake: "LocalSnowflake", cursor: Any
) -> None:
    cursor.execute("CREATE OR REPLACE TABLE ZONED (Z TIMESTAMP_TZ)")
    with pytest.raises(ProgrammingError, match="TIMESTAMP_TZ"):
        local_snowflake.unload(cursor, 'SELECT "Z" AS "Z" FROM "BASE"."ASSETS"."ZONED"')


@pytest.mark.usefixtures("numbers")
def test_a_stage_whose_bucket_is_gone_fails_the_unload(
    local_snowflake: "LocalSnowflake", cursor: Any
) -> None:
    cursor.execute("CREATE OR REPLACE STAGE BASE.ASSETS.NOWHERE URL = 'gcs://no-such-bucket/'")
    statement = local_snowflake.copy(ALL, local_snowflake.prefix()).replace("STAGED_CHUNKS", "NOWHERE")
    with pytest.raises(ProgrammingError, match="Failure using stage area"):
        cursor.execute(statement)


@pytest.mark.usefixtures("numbers")
def test_a_filter_takes_16384_values_and_not_one_more(local_snowflake: "LocalSnowflake", cursor: Any) -> None:
    select = ALL + ' WHERE "S" IN (%s)'
    values = [f"0x{number:040x}" for number in range(16_385)]
    cursor.execute(local_snowflake.copy(select, local_snowflake.prefix()), (values[1:],))
    assert cursor.fetchall() == []
    with pytest.raises(ProgrammingError, match="maximum number of expressions in a list exceeded"):
        cursor.execute(local_snowflake.copy(select, local_snowflake.prefix()), (values,))


@pytest.mark.usefixtures("numbers")
def test_a_test_can_have_an_unload_fail(local_snowflake: "LocalSnowflake", cursor: Any) -> None:
    local_snowflake.control("unload-failure", errno=90073, sqlstate="22000", message="Warehouse is gone.")
    with pytest.raises(ProgrammingError, match=r"Warehouse is gone\.") as refusal:
        local_snowflake.unload(cursor, ALL)
    assert refusal.value.errno == 90073
    assert len(local_snowflake.unload(cursor, ALL)) == 1
