"""COPY INTO <location>: a query's rows as Parquet files in the bucket of an external stage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from fakesnow.transforms.options import parse_options
from sqlglot import exp

from local_snowflake import names, parquet_files
from local_snowflake.failures import Failure, compilation, missing, unsupported
from local_snowflake.rowsets import Rowset, of_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_snowflake.controls import Controls
    from local_snowflake.engine import Connection
    from local_snowflake.queries import Query
    from local_snowflake.staging import Staging

_STAGE = re.compile(r'@(?:("[^"]+"|\w+)\.)?(?:("[^"]+"|\w+)\.)?("[^"]+"|\w+)(?:/(.*))?$', re.DOTALL)
_STAGES = """
    SELECT url FROM _fs_global._fs_information_schema._fs_stages
    WHERE database_name = ? AND schema_name = ? AND name = ?
"""
_OPTIONS = {"FILE_FORMAT", "HEADER", "INCLUDE_QUERY_ID", "DETAILED_OUTPUT", "MAX_FILE_SIZE"}
_DEFAULT_FILE_BYTES = 16_777_216
_SLOTS = 8  # the number of threads in Snowflake's file names
_DETAILS = pa.schema({"FILE_NAME": pa.string(), "FILE_SIZE": pa.int64(), "ROW_COUNT": pa.int64()})


@dataclass(frozen=True)
class Location:
    """The location of files: a bucket, a prefix in it, and the statement's text for both."""

    written: str
    bucket: str
    prefix: str


def is_unload(statement: exp.Expression) -> bool:
    return isinstance(statement, exp.Copy) and statement.this.name.startswith("@")


def unload(
    statement: exp.Copy,
    query: Query,
    connection: Connection,
    staging: Staging,
    controls: Controls,
    *,
    narrow: bool,
) -> Rowset:
    """Run the unload. Return Snowflake's rows: one per file with DETAILED_OUTPUT, otherwise one with
    totals.
    """
    # Read it when the unload begins, because a test that sees its files may change it for the next unload.
    seconds = controls.unload_seconds
    options = _options(statement)
    location = _resolve(statement.this.name, connection)
    sql = _source(statement, query.text, connection)
    if staging.holds(location.bucket, location.prefix):
        raise Failure(
            1030,
            "22000",
            f"Files already existing at the unload destination: {location.written}. "
            "Use overwrite option to force unloading.",
        )
    stem = location.prefix + ("data" if location.prefix.endswith("/") else "")
    if options.get("INCLUDE_QUERY_ID") and not controls.has("names without query ids"):
        stem += f"_{query.id}"
    files = []
    max_bytes = int(options.get("MAX_FILE_SIZE", _DEFAULT_FILE_BYTES))
    split = parquet_files.split(connection.stream(sql), max_bytes, narrow=narrow, faults=controls.faults)
    for index, file in enumerate(split):
        name = f"{stem}_0_{index % _SLOTS}_{index // _SLOTS}.snappy.parquet"
        staging.write(location.bucket, name, file.content)
        files.append({"FILE_NAME": name, "FILE_SIZE": len(file.content), "ROW_COUNT": file.rows})
        if query.canceled.is_set():
            break  # the written files stay, as the files of an aborted unload may
    controls.hold(query, seconds)
    controls.fail()
    return _answer(files, detailed=bool(options.get("DETAILED_OUTPUT")))


def _options(statement: exp.Copy) -> Mapping[str, Any]:
    options: dict[str, Any] = {}
    for parameter in statement.args.get("params") or []:
        name = parameter.this.name.upper()
        if name not in _OPTIONS:
            raise unsupported(f"the unload option {name}")
        value = parameter.expression
        options[name] = value.this if value is not None else parse_options(parameter.expressions)
    file_format = {key.upper(): str(value).upper() for key, value in options.get("FILE_FORMAT", {}).items()}
    known = {"TYPE": {"PARQUET"}, "COMPRESSION": {"AUTO", "SNAPPY"}}
    if "TYPE" not in file_format or any(
        value not in known.get(key, ()) for key, value in file_format.items()
    ):
        raise unsupported(f"the file format {file_format}; only snappy Parquet is")
    if not options.get("HEADER"):
        raise unsupported("an unload without HEADER = TRUE")
    return options


def _resolve(written: str, connection: Connection) -> Location:
    match = _STAGE.match(written)
    if match is None:
        raise compilation(f"invalid stage location '{written}'")
    *parts, path = match.groups()
    plain = [part and (part.strip('"') if part.startswith('"') else part.upper()) for part in parts]
    if parts[0] and not parts[1]:  # SCHEMA.STAGE
        plain = [None, plain[0], plain[2]]
    database, schema, name = plain[0] or connection.database, plain[1] or connection.schema, plain[2]
    row = connection.fetch(_STAGES, [database, schema, name])
    if not row:
        raise missing("Stage", f"{database}.{schema}.{name}")
    url = re.match(r"gcs://([^/]+)/?(.*)$", row[0][0] or "")
    if url is None:
        raise unsupported(f"unloading to {row[0][0] or 'an internal stage'}; only to gcs://")
    return Location(written, url[1], url[2] + (path or ""))


def _source(statement: exp.Copy, text: str, connection: Connection) -> str:
    """Return DuckDB's SQL for the rows to unload."""
    source = statement.args["files"][0]
    query = source.unnest() if isinstance(source, exp.Subquery) else exp.select("*").from_(source)
    names.check(query, text, connection)
    declared = connection.declarations.of_query(query, connection.database, connection.schema)
    for column, kind in declared.items():
        if kind.zoned:
            name = kind.name.upper()
            raise compilation(
                f"Data type {name} of column {column} is not supported for unloading to PARQUET."
            )
    return connection.cursor().duckdb_sql(query)


def _answer(files: list[dict[str, Any]], *, detailed: bool) -> Rowset:
    if detailed:
        return of_table(pa.Table.from_pylist(files, _DETAILS), {}, 0x1000)
    size = sum(file["FILE_SIZE"] for file in files)
    totals = {"rows_unloaded": sum(file["ROW_COUNT"] for file in files), "input_bytes": size}
    return of_table(pa.Table.from_pylist([totals | {"output_bytes": size}]), {}, 0x1000)
