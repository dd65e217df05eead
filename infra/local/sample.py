"""The sample data: write it to a Parquet file, load a file into the local Snowflake.

python -m infra.local.sample FILE [--rows N] [--seed N]
"""

import argparse
import json
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import urllib3

from infra.local import names, sample_rows

COLUMNS = {
    "FROM_ADDRESS": "VARCHAR",
    "TO_ADDRESS": "VARCHAR",
    "TOKEN_ADDRESS": "VARCHAR",
    "TOKEN_NAME": "VARCHAR",
    "TOKEN_SYMBOL": "VARCHAR",
    "RAW_AMOUNT": "FLOAT",
    "RAW_AMOUNT_STR": "VARCHAR",
    "AMOUNT": "FLOAT",
    "AMOUNT_STR": "VARCHAR",
    "USD_AMOUNT": "FLOAT",
    "USD_EXCHANGE_RATE": "FLOAT",
    "TRANSACTION_FROM_ADDRESS": "VARCHAR",
    "TRANSACTION_TO_ADDRESS": "VARCHAR",
    "TRANSACTION_HASH": "VARCHAR",
    "TRANSACTION_INDEX": "BIGINT",
    "LOG_INDEX": "BIGINT",
    "BLOCK_TIMESTAMP": "TIMESTAMP_NTZ(9)",
    "BLOCK_NUMBER": "BIGINT",
    "BLOCK_HASH": "VARCHAR",
    "UNIQUE_ID": "VARCHAR",
}
"""The columns of ``base.assets.erc20_token_transfers``, in the table's order."""

_ARROW = {
    "VARCHAR": pa.string(),
    "FLOAT": pa.float64(),
    "BIGINT": pa.int64(),
    "TIMESTAMP_NTZ(9)": pa.timestamp("ns"),
}
_BATCH_ROWS = 50_000
_SECONDS = 120

_http = urllib3.PoolManager(retries=False)


class SampleNotLoaded(Exception):  # noqa: N818 - named for what happened
    """The local Snowflake refused to create the table or to load the file."""


def write(path: Path, rows: int, seed: int) -> None:
    """Write ``rows`` transfers to a Parquet file. Equal rows and seed give an equal file."""
    schema = pa.schema([(name.lower(), _ARROW[kind]) for name, kind in COLUMNS.items()])
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}")  # two stacks may start at the same time
    with pq.ParquetWriter(partial, schema) as writer:
        batch: list[tuple[object, ...]] = []
        for row in sample_rows.rows(rows, seed):
            batch.append(row)
            if len(batch) == _BATCH_ROWS:
                writer.write_batch(_record_batch(batch, schema))
                batch.clear()
        writer.write_batch(_record_batch(batch, schema))
    partial.replace(path)  # otherwise a stopped run would leave a partial sample for the next one


def _record_batch(rows: list[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def load(
    url: str, path: Path, table: str, stage: str = names.SNOWFLAKE_STAGE, bucket: str = names.BUCKET
) -> int:
    """Create the table and the stage if they are missing, and append the rows of a Parquet or CSV file.

    ``url`` is the local Snowflake's, ``table`` and ``stage`` are full names (DATABASE.SCHEMA.NAME). Columns
    that the table lacks are dropped, and columns that the file lacks are NULL. Return the number of rows.
    """
    _post(f"{url}/local/statements", {"statements": [*_namespace(table), *_namespace(stage)]})
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
    creations = [
        f"CREATE TABLE IF NOT EXISTS {table} ({columns})",
        f"CREATE STAGE IF NOT EXISTS {stage} URL = 'gcs://{bucket}/'",
    ]
    _post(f"{url}/local/statements", {"statements": creations})
    answer = _post(f"{url}/local/load", {"path": str(path.resolve()), "table": table})
    rows: int = answer["rows"]
    return rows


def _namespace(name: str) -> list[str]:
    database, schema, _ = name.split(".")
    return [f"CREATE DATABASE IF NOT EXISTS {database}", f"CREATE SCHEMA IF NOT EXISTS {database}.{schema}"]


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    response = _http.request("POST", url, body=json.dumps(body), timeout=_SECONDS)
    answer: dict[str, Any] = json.loads(response.data)
    if response.status != 200:  # noqa: PLR2004 - OK
        raise SampleNotLoaded(answer.get("error", f"status {response.status}"))
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write(options.file, options.rows, options.seed)


if __name__ == "__main__":
    main()
