"""The expected rows, computed from the data file with only the standard library: slow, but easy to read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

_TEXT, _FLOAT, _INTEGER, _TIME = pa.string(), pa.float64(), pa.int64(), pa.timestamp("ns")
TABLE_COLUMNS = {
    "from_address": _TEXT,
    "to_address": _TEXT,
    "token_address": _TEXT,
    "token_name": _TEXT,
    "token_symbol": _TEXT,
    "raw_amount": _FLOAT,
    "raw_amount_str": _TEXT,
    "amount": _FLOAT,
    "amount_str": _TEXT,
    "usd_amount": _FLOAT,
    "usd_exchange_rate": _FLOAT,
    "transaction_from_address": _TEXT,
    "transaction_to_address": _TEXT,
    "transaction_hash": _TEXT,
    "transaction_index": _INTEGER,
    "log_index": _INTEGER,
    "block_timestamp": _TIME,
    "block_number": _INTEGER,
    "block_hash": _TEXT,
    "unique_id": _TEXT,
}
_SECOND = 1_000_000_000


@dataclass(frozen=True)
class Slice:
    """The window and the filter of the demo's backfill; the bounds are ISO 8601."""

    start: str
    end: str
    token: str | None


class Table:
    """The data file's rows in the columns of ``base.assets.erc20_token_transfers``."""

    def __init__(self, path: Path) -> None:
        self._rows = _read(path)

    def slice_of_all(self, token: str | None) -> Slice:
        """Return a window with every row that has a timestamp."""
        ends = pc.min_max(self._rows["block_timestamp"].cast(pa.int64())).as_py()
        if ends["min"] is None:
            raise ValueError("no row of the data has a block_timestamp: no window can hold any of them")
        return Slice(_iso(ends["min"] // _SECOND), _iso(ends["max"] // _SECOND + 1), token)

    def digests(self, wanted: Slice) -> dict[str, bytes]:
        """Return a digest of each row in the slice by its unique_id."""
        return {row["unique_id"]: digest(row) for row in self._messages(wanted)}

    def _messages(self, wanted: Slice) -> Iterator[dict[str, Any]]:
        rows = self._rows.filter(pc.is_valid(self._rows["block_timestamp"]))
        if wanted.token is not None:
            rows = rows.filter(pc.equal(rows["token_address"], wanted.token))
        for batch in rows.to_batches(max_chunksize=10_000):
            times = batch["block_timestamp"].cast(pa.int64()).to_pylist()
            message_batch = batch.set_column(
                batch.schema.get_field_index("block_timestamp"),
                "block_timestamp",
                pa.array([_message_time(nanoseconds) for nanoseconds in times], _TEXT),
            )
            yield from message_batch.to_pylist()


def digest(message: dict[str, Any]) -> bytes:
    """Return a digest that is equal for messages with equal order, names, values and types of fields."""
    text = json.dumps(list(message.items()), ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=12).digest()


def _read(path: Path) -> pa.Table:
    if path.suffix == ".csv":
        types = pa.csv.ConvertOptions(column_types=TABLE_COLUMNS, strings_can_be_null=True)
        table = pa.csv.read_csv(path, convert_options=types)
    else:
        table = pa.parquet.read_table(path)
    columns = {name.lower(): table[name] for name in table.column_names}
    return pa.table(
        {
            name: columns[name].cast(kind) if name in columns else pa.nulls(table.num_rows, kind)
            for name, kind in TABLE_COLUMNS.items()
        }
    )


def _message_time(nanoseconds: int) -> str:
    seconds, fraction = divmod(nanoseconds, _SECOND)
    return (_iso(seconds) + f".{fraction:09d}").rstrip("0").rstrip(".")


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
