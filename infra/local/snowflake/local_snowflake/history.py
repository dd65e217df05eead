"""INFORMATION_SCHEMA.QUERY_HISTORY: the record of queries as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from local_snowflake.queries import Query

_VIEW = "_query_history"
_DEFAULT_LIMIT = 100
_MOMENT = pa.timestamp("us", tz="UTC")
_SCHEMA = pa.schema(
    {
        "QUERY_ID": pa.string(),
        "QUERY_TEXT": pa.string(),
        "SESSION_ID": pa.int64(),
        "QUERY_TAG": pa.string(),
        "EXECUTION_STATUS": pa.string(),
        "ERROR_CODE": pa.string(),
        "ERROR_MESSAGE": pa.string(),
        "START_TIME": _MOMENT,
        "END_TIME": _MOMENT,
    }
)


def rewrite(
    statement: exp.Expression, connection: DuckDBPyConnection, queries: Sequence[Query]
) -> exp.Expression:
    """Replace the table function QUERY_HISTORY by the record, if the statement calls it."""
    for call in statement.find_all(exp.TableFromRows):
        function = call.find(exp.Anonymous)
        if function is None or function.name.upper() != "QUERY_HISTORY":
            continue
        # The limit comes first and the WHERE after it, as in Snowflake.
        newest = queries[-_limit(function) :]
        connection.register(_VIEW, pa.Table.from_pylist([_row(query) for query in newest], _SCHEMA))
        call.replace(exp.to_table(_VIEW, quoted=True))
    return statement


def _limit(function: exp.Anonymous) -> int:
    for argument in function.expressions:
        if isinstance(argument, exp.Kwarg) and argument.this.name.upper() == "RESULT_LIMIT":
            return int(argument.expression.name)
    return _DEFAULT_LIMIT


def _row(query: Query) -> dict[str, object]:
    failure = query.failure
    return {
        "QUERY_ID": query.id,
        "QUERY_TEXT": query.text,
        "SESSION_ID": query.session_id,
        "QUERY_TAG": query.tag,
        "EXECUTION_STATUS": query.status.value,
        "ERROR_CODE": failure.code if failure else None,
        "ERROR_MESSAGE": failure.message if failure else None,
        "START_TIME": query.start_time,
        "END_TIME": query.end_time,
    }
