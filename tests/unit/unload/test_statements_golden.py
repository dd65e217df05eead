"""Snowflake's complete statements, written for review."""

from pathlib import Path
from typing import Final

import pytest
from sqlglot import exp

from shared.domain.columns import Choice
from shared.domain.jobs import Window
from shared.unload.columns import DECLARED, SUPPORTED
from shared.unload.statements import Statement, TableColumn
from tests.e2e.support.every_type import COLUMNS, STRUCTURED
from tests.generated import check_file
from tests.unit.unload.statements import (
    BLOCK_NUMBER,
    BLOCK_TIMESTAMP,
    TOKEN_ADDRESS,
    parsed,
    rendered,
    statement,
)

GOLDEN: Final = Path(__file__).parent / "golden"

EVERY_TYPE: Final = [
    TableColumn("INTEGER", "FIXED", 0),
    TableColumn("DECIMAL", "FIXED", 18),
    TableColumn("FLOAT", "REAL", 0),
    TableColumn("TEXT", "TEXT", 0),
    TableColumn("BOOLEAN", "BOOLEAN", 0),
    TableColumn("DATE", "DATE", 0),
    TableColumn("TIME", "TIME", 9),
    BLOCK_TIMESTAMP,
    TableColumn("LOCAL", "TIMESTAMP_LTZ", 9),
    TableColumn("ZONED", "TIMESTAMP_TZ", 9),
    TableColumn("BINARY", "BINARY", 0),
    TableColumn("VARIANT", "VARIANT", 0),
    TableColumn("OBJECT", "OBJECT", 0),
    TableColumn("ARRAY", "ARRAY", 0),
    TableColumn("MAP", "MAP", 0),
    TableColumn("VECTOR", "VECTOR", 0),
    TableColumn("GEOGRAPHY", "GEOGRAPHY", 0),
    TableColumn("GEOMETRY", "GEOMETRY", 0),
]
STATEMENTS: Final[dict[str, Statement]] = {
    "window_alone": statement([TOKEN_ADDRESS, BLOCK_TIMESTAMP, BLOCK_NUMBER]),
    "every_type": statement(EVERY_TYPE),
    "chosen_columns": statement(
        [BLOCK_NUMBER, BLOCK_TIMESTAMP, TOKEN_ADDRESS],
        chosen=[Choice("token_address", "Token"), Choice("block_number")],
    ),
    "zoned_window": statement([TableColumn("BLOCK_TIMESTAMP", "TIMESTAMP_TZ", 9)]),
    "local_window": statement([TableColumn("BLOCK_TIMESTAMP", "TIMESTAMP_LTZ", 9)]),
    "block_window": statement(
        [BLOCK_NUMBER, TOKEN_ADDRESS],
        window=Window("block", "42000000", "42000100"),
        block_column="block_number",
    ),
    "filter": statement(
        [TOKEN_ADDRESS, BLOCK_TIMESTAMP],
        filter_column="token_address",
        filter_values=[
            "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913",
            "0x4200000000000000000000000000000000000006",
        ],
    ),
    "hostile_filter": statement(
        [TOKEN_ADDRESS, BLOCK_TIMESTAMP],
        filter_column="token_address",
        filter_values=[
            "') OR 1=1 --",
            "\\') FROM (SELECT 1) /*",
            "; DROP TABLE t; --",
            "%s %% %(name)s",
            'a "quoted" name',
            "line\r\nbreak\ttab",
            "back\\slash\\n",
            "$$ :1 ? @stage",
            "🦄 ünïcödé 名前",
            "",
        ],
    ),
    "hostile_names": statement(
        [
            BLOCK_TIMESTAMP,
            TableColumn('a"b', "TEXT", 0),
            TableColumn("100%s", "FIXED", 2),
            TableColumn("; --", "DATE", 0),
        ]
    ),
    "decimal_filter": statement(
        [TableColumn("PRICE", "FIXED", 18), BLOCK_TIMESTAMP],
        filter_column="price",
        filter_values=[1.5, 1e-7, 3],
    ),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_statement_is_as_it_was_reviewed(name: str) -> None:
    check_file(GOLDEN / f"{name}.sql", rendered(STATEMENTS[name]) + "\n")


def test_every_supported_type_is_unloaded_and_delivered_in_the_tests_of_the_stack() -> None:
    delivered = {type_.partition("(")[0] for type_ in (*(column.type for column in COLUMNS), *STRUCTURED)}
    missing = set(SUPPORTED) - delivered
    assert not missing, f"add values of {missing} to tests/e2e/support/every_type.py"


def test_every_supported_type_is_in_a_statement() -> None:
    missing = set(SUPPORTED) - {DECLARED.get(column.type, column.type) for column in EVERY_TYPE}
    assert not missing, f"add {missing} to EVERY_TYPE above, and run this file with REGENERATE=1"


@pytest.mark.parametrize("name", STATEMENTS)
def test_snowflakes_grammar_reads_one_unload_of_one_table(name: str) -> None:
    copy = parsed(rendered(STATEMENTS[name]))
    [_, source] = copy.find_all(exp.Table)
    assert [part.name for part in source.parts] == ["BASE", "ASSETS", "ERC20_TOKEN_TRANSFERS"]
    assert copy.this.this.name == (
        '@"BACKFILLS"."PUBLIC"."STAGING"'
        "/acme-1_x/3b241101-e2bb-4255-8caf-4136c566a962/5e9ae1a7-6a44-4e3b-9d20-8d6f0a5a1c11/"
    )
    assert {option.name: option.expression.to_py() for option in copy.args["params"][1:]} == {
        "HEADER": True,
        "INCLUDE_QUERY_ID": True,
        "DETAILED_OUTPUT": True,
        "MAX_FILE_SIZE": 33554432,
    }


def test_every_golden_file_is_of_a_statement() -> None:
    assert {path.stem for path in GOLDEN.glob("*.sql")} == STATEMENTS.keys()
