"""Statements of the unload as the connector sends them, and shared helpers of their tests."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from snowflake.connector._internal.binding_converters import ClientSideBindingConverter
from sqlglot import exp, parse

from shared.domain.columns import Choice
from shared.domain.jobs import Attempt, FilterValue, Job, Window
from shared.unload.statements import Statement, TableColumn, selected, unload_statement

ATTEMPT = Attempt(
    "5e9ae1a7-6a44-4e3b-9d20-8d6f0a5a1c11",
    datetime(2026, 3, 2, tzinfo=UTC),
)
MARCH = Window("block_timestamp", "2026-03-01T00:00:00", "2026-04-01T00:00:00.000000001")
JOB = Job(
    organization_id="acme-1_x",
    job_id="3b241101-e2bb-4255-8caf-4136c566a962",
    job_name="march",
    table="base.assets.erc20_token_transfers",
    window=MARCH,
    destinations=(),
    static_egress_ip=False,
    time_created=datetime(2026, 3, 2, tzinfo=UTC),
    webhook_batch_rows=500,
    attempt=ATTEMPT,
)
BLOCK_TIMESTAMP = TableColumn("BLOCK_TIMESTAMP", "TIMESTAMP_NTZ", 9)
BLOCK_NUMBER = TableColumn("BLOCK_NUMBER", "FIXED", 0)
TOKEN_ADDRESS = TableColumn("TOKEN_ADDRESS", "TEXT", 0)


def statement(
    columns: Sequence[TableColumn],
    *,
    job: Job = JOB,
    window: Window = MARCH,
    filter_column: str | None = None,
    filter_values: Sequence[FilterValue] = (),
    chosen: Sequence[Choice] = (),
    **arguments: Any,
) -> Statement:
    """Return the unload of a slice of a table with these columns."""
    return unload_statement(
        job=replace(job, window=window, filter_column=filter_column),
        filter_values=filter_values,
        table_columns=columns,
        selection=selected(columns, chosen, ()),
        location_stage="backfills.public.staging",
        max_file_bytes=33_554_432,
        **arguments,
    )


def rendered(unload: Statement) -> str:
    """Return the text that Snowflake gets: the connector writes the values into it."""
    text: str = ClientSideBindingConverter.interpolate_query(unload.text, unload.values)
    return text


def parsed(sql: str) -> exp.Copy:
    """Parse the statement with Snowflake's grammar: it must be a single COPY."""
    [copy] = parse(sql, dialect="snowflake")
    assert isinstance(copy, exp.Copy)
    return copy


def listed_values(sql: str) -> list[FilterValue]:
    """Return the values of the only IN list, as Snowflake reads them."""
    [values] = list(parsed(sql).find_all(exp.In))
    return [value.to_py() for value in values.expressions]
