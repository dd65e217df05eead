"""The unload exports exactly a job's slice, or reports what is wrong with the request."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.domain.columns import Choice, Column, JsonKind, TableType
from shared.domain.errors import UnloadRefused, UnsupportedColumn
from shared.domain.jobs import Window
from shared.unload.statements import (
    Statement,
    TableColumn,
    copy_statement,
    describe_stage_statement,
    describe_statement,
    find_statement,
    known_statement,
    selected,
)
from tests.unit.unload.statements import (
    ATTEMPT,
    BLOCK_NUMBER,
    BLOCK_TIMESTAMP,
    JOB,
    MARCH,
    TOKEN_ADDRESS,
    statement,
)

BLOCKS = Window("block", "42000000", "42000100")


def where(text: str) -> str:
    return text.split(" WHERE ")[1].split(") FILE_FORMAT", maxsplit=1)[0]


@pytest.mark.parametrize(
    ("type_", "scale", "kind"),
    [
        ("FIXED", 0, JsonKind.INTEGER),
        ("FIXED", 1, JsonKind.TEXT),
        ("REAL", 0, JsonKind.FLOAT),
        ("TEXT", 0, JsonKind.TEXT),
        ("BOOLEAN", 0, JsonKind.BOOLEAN),
        ("DATE", 0, JsonKind.TEXT),
        ("TIME", 9, JsonKind.TEXT),
        ("TIMESTAMP_NTZ", 9, JsonKind.TEXT),
        ("TIMESTAMP_LTZ", 9, JsonKind.TEXT),
        ("TIMESTAMP_TZ", 9, JsonKind.TEXT),
        ("BINARY", 0, JsonKind.TEXT),
        ("VARIANT", 0, JsonKind.JSON),
        ("OBJECT", 0, JsonKind.JSON),
        ("ARRAY", 0, JsonKind.JSON),
        ("MAP", 0, JsonKind.JSON),
        ("VECTOR", 0, JsonKind.JSON),
        ("GEOGRAPHY", 0, JsonKind.JSON),
        ("GEOMETRY", 0, JsonKind.JSON),
    ],
)
def test_each_type_has_one_kind_of_json(type_: str, scale: int, kind: JsonKind) -> None:
    assert columns_of([TableColumn("A_Name", type_, scale, 38)]) == [
        Column("a_name", kind, type=TableType(type_, 38, scale))
    ]


@pytest.mark.parametrize("type_", ["DECFLOAT", "FILE", "INTERVAL_DAY_TIME", "TIMESTAMP"])
def test_a_type_without_a_mapping_is_named_with_its_column_and_with_what_is_supported(type_: str) -> None:
    with pytest.raises(UnsupportedColumn, match=rf"place is of type {type_}, .* supported are NUMBER, "):
        columns_of([TOKEN_ADDRESS, TableColumn("PLACE", type_, 0)])


def columns_of(
    columns: list[TableColumn], chosen: Sequence[Choice] = (), keys: Sequence[str] = ()
) -> list[Column]:
    return [one.column for one in selected(columns, chosen, keys)]


WIDE = [TableColumn("ID", "FIXED", 0), TableColumn("Name", "TEXT", 0), TableColumn("PLACE", "FILE", 0)]


def test_chosen_columns_are_all_that_is_staged_in_their_order_and_under_their_names() -> None:
    chosen = (Choice("name", "Label"), Choice("id"), Choice("id", "number"))
    assert columns_of(WIDE, chosen) == [
        Column("Label", JsonKind.TEXT, "name", type=TableType("TEXT")),
        Column("id", JsonKind.INTEGER, type=TableType("FIXED")),
        Column("number", JsonKind.INTEGER, "id", type=TableType("FIXED")),
    ]
    window = replace(MARCH, partition_key="block", start="1", end="2")
    unload = statement(WIDE, window=window, block_column="id", chosen=chosen)
    assert 'SELECT slice."Name" AS "Label", slice."ID" AS "id", slice."ID" AS "number" FROM' in unload.text


def test_a_key_that_is_not_chosen_is_staged_beside_the_fields() -> None:
    chosen = (Choice("name", "id"),)
    assert columns_of(WIDE, chosen, ["id", "name"]) == [
        Column("id", JsonKind.TEXT, "name", type=TableType("TEXT")),
        Column("key:id", JsonKind.INTEGER, "id", hidden=True, type=TableType("FIXED")),
    ]
    assert columns_of(WIDE[:2], (), ["id"]) == columns_of(WIDE[:2])


@pytest.mark.parametrize("chosen", [(Choice("colour"),), (Choice("id"), Choice("colour", "id2"))])
def test_a_chosen_column_that_is_not_there_is_named(chosen: tuple[Choice, ...]) -> None:
    with pytest.raises(UnloadRefused, match="no column colour for the rows; its columns are id, name, place"):
        selected(WIDE, chosen, ())


def test_a_key_that_is_not_there_is_named() -> None:
    with pytest.raises(UnloadRefused, match="no column colour for the messages' keys"):
        selected(WIDE, (Choice("id"),), ["colour"])


@pytest.mark.parametrize(
    ("type_", "written"),
    [
        ("GEOGRAPHY", 'TO_JSON(ST_ASGEOJSON(slice."C"))'),
        ("GEOMETRY", 'TO_JSON(ST_ASGEOJSON(slice."C"))'),
        ("VECTOR", 'TO_JSON(slice."C"::ARRAY)'),
        ("MAP", 'TO_JSON(slice."C"::OBJECT)'),
        ("OBJECT", 'TO_JSON(slice."C"::OBJECT)'),
        ("ARRAY", 'TO_JSON(slice."C"::ARRAY)'),
        ("VARIANT", 'TO_JSON(slice."C")'),
    ],
)
def test_what_is_no_plain_value_is_staged_as_its_json(type_: str, written: str) -> None:
    assert f'{written} AS "C"' in statement([BLOCK_TIMESTAMP, TableColumn("C", type_, 0)]).text


def test_columns_alike_but_for_case_can_not_be_one_field() -> None:
    with pytest.raises(UnsupportedColumn, match=r"differ only in case .*: Amount, AMOUNT$"):
        columns_of([TableColumn("Amount", "REAL", 0), TOKEN_ADDRESS, TableColumn("AMOUNT", "TEXT", 0)])


def test_the_window_takes_its_start_and_leaves_its_end() -> None:
    unload = statement([BLOCK_TIMESTAMP])
    assert where(unload.text) == (
        'slice."BLOCK_TIMESTAMP" >= %s::TIMESTAMP_NTZ(9) AND slice."BLOCK_TIMESTAMP" < %s::TIMESTAMP_NTZ(9)'
    )
    assert unload.values == ("2026-03-01T00:00:00", "2026-04-01T00:00:00.000000001")


@pytest.mark.parametrize("type_", ["TIMESTAMP_LTZ", "TIMESTAMP_TZ"])
def test_the_window_of_a_column_with_a_time_zone_is_in_utc(type_: str) -> None:
    unload = statement([replace(BLOCK_TIMESTAMP, type=type_)])
    assert where(unload.text).startswith(f'slice."BLOCK_TIMESTAMP" >= %s::{type_}(9) AND ')
    assert unload.values == ("2026-03-01T00:00:00+00:00", "2026-04-01T00:00:00.000000001+00:00")


def test_the_window_of_blocks_is_over_the_tables_block_column() -> None:
    unload = statement([BLOCK_NUMBER], window=BLOCKS, block_column="block_number")
    assert where(unload.text) == 'slice."BLOCK_NUMBER" >= %s AND slice."BLOCK_NUMBER" < %s'
    assert unload.values == (42000000, 42000100)


def test_a_window_of_blocks_needs_a_block_column() -> None:
    with pytest.raises(UnloadRefused, match="no block column; use block_timestamp"):
        statement([BLOCK_TIMESTAMP, BLOCK_NUMBER], window=BLOCKS)


def test_a_window_of_blocks_needs_numbers() -> None:
    with pytest.raises(UnloadRefused, match="Column block_number is not a number"):
        statement([replace(BLOCK_NUMBER, type="TEXT")], window=BLOCKS, block_column="block_number")


@pytest.mark.parametrize("type_", ["DATE", "FIXED", "TEXT"])
def test_a_window_needs_a_timestamp(type_: str) -> None:
    with pytest.raises(UnloadRefused, match=rf"is of type {type_}; .* only be over a timestamp"):
        statement([replace(BLOCK_TIMESTAMP, type=type_)])


def test_a_missing_partition_column_is_named_with_the_columns_that_exist() -> None:
    with pytest.raises(
        UnloadRefused,
        match="no column block_timestamp for the window; its columns are token_address, block_number",
    ):
        statement([TOKEN_ADDRESS, BLOCK_NUMBER])


def test_a_missing_filter_column_is_named_with_the_columns_that_exist() -> None:
    with pytest.raises(
        UnloadRefused, match="no column tokn for the filter; its columns are block_timestamp, token_address"
    ):
        statement([BLOCK_TIMESTAMP, TOKEN_ADDRESS], filter_column="tokn", filter_values=["x"])


def test_a_filter_column_that_could_be_two_is_refused() -> None:
    with pytest.raises(
        UnloadRefused, match="The filter name matches several columns of the table: Name, NAME"
    ):
        statement(
            [BLOCK_TIMESTAMP, TableColumn("Name", "TEXT", 0), TableColumn("NAME", "TEXT", 0)],
            filter_column="name",
            filter_values=["x"],
            chosen=[Choice("block_timestamp")],
        )


def test_the_filters_column_is_found_without_case_and_named_exactly() -> None:
    unload = statement(
        [BLOCK_TIMESTAMP, TableColumn("Token_Name", "TEXT", 0)],
        filter_column="token_name",
        filter_values=["a", "b"],
    )
    assert where(unload.text).endswith(' AND slice."Token_Name" IN (%s, %s)')
    assert unload.values[2:] == ("a", "b")


def test_each_attempt_writes_to_a_prefix_of_its_own() -> None:
    first = statement([BLOCK_TIMESTAMP]).text
    assert f"/acme-1_x/{JOB.job_id}/{ATTEMPT.attempt_id}/ FROM " in first


def test_a_prefix_that_is_not_made_of_ids_never_gets_into_a_statement() -> None:
    with pytest.raises(ValueError, match="not consist of ids"):
        statement([BLOCK_TIMESTAMP], job=replace(JOB, organization_id="a/ FROM (SELECT 1)"))


def test_names_mean_what_they_mean_without_quotes() -> None:
    assert describe_statement("base.assets.my_table").text == 'SELECT * FROM "BASE"."ASSETS"."MY_TABLE"'


def test_a_tag_is_looked_for_in_the_history_of_the_stages_database() -> None:
    find = find_statement("backfills.public.staging", "a tag")
    assert 'TABLE("BACKFILLS".INFORMATION_SCHEMA.QUERY_HISTORY(' in find.text
    assert (find.text.endswith(" WHERE QUERY_TAG = %s ORDER BY START_TIME"), find.values) == (
        True,
        ("a tag",),
    )


def test_a_query_is_looked_for_by_its_id() -> None:
    known = known_statement("backfills.public.staging", "an id")
    assert known.text.endswith(" WHERE QUERY_ID = %s")
    assert known.values == ("an id",)


def test_what_a_select_answers_is_exported_as_every_slice_is() -> None:
    copied = copy_statement(Statement("SELECT %s", (1,)), "base.assets.STAGE", "doctor/1/", 1024)
    assert copied.text.startswith('COPY INTO @"BASE"."ASSETS"."STAGE"/doctor/1/ FROM (SELECT %s) FILE_FORMAT')
    assert copied.text.endswith("MAX_FILE_SIZE = 1024")
    assert copied.values == (1,)


def test_a_stage_is_described_by_its_quoted_name() -> None:
    assert describe_stage_statement("base.assets.STAGE").text == 'DESC STAGE "BASE"."ASSETS"."STAGE"'
