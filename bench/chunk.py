"""A staged chunk in the shape of ERC-20 transfers as the unload writes it, with the same rows every time.

23 columns, timestamps and dates as text, 990 bytes of JSON and 164 of snappy Parquet a row.
"""

import datetime as dt
import hashlib
import inspect
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from shared.domain.columns import Column, JsonKind

ROWS: Final = 244_000
GROUP_ROWS: Final = 65_536
KEY: Final = "unique_id"
ORGANIZATION: Final = "bench"
FOLDER: Final = Path(__file__).parents[1] / ".cache" / "bench"

_SCHEMA: Final = pa.schema(
    [
        ("FROM_ADDRESS", pa.string()),
        ("TO_ADDRESS", pa.string()),
        ("TOKEN_ADDRESS", pa.string()),
        ("TOKEN_NAME", pa.string()),
        ("TOKEN_SYMBOL", pa.string()),
        ("RAW_AMOUNT", pa.float64()),
        ("RAW_AMOUNT_STR", pa.string()),
        ("AMOUNT", pa.float64()),
        ("AMOUNT_STR", pa.string()),
        ("USD_AMOUNT", pa.float64()),
        ("USD_EXCHANGE_RATE", pa.float64()),
        ("TRANSACTION_FROM_ADDRESS", pa.string()),
        ("TRANSACTION_TO_ADDRESS", pa.string()),
        ("TRANSACTION_HASH", pa.string()),
        ("TRANSACTION_INDEX", pa.int64()),
        ("LOG_INDEX", pa.int64()),
        ("BLOCK_TIMESTAMP", pa.string()),
        ("BLOCK_NUMBER", pa.int64()),
        ("BLOCK_HASH", pa.string()),
        ("UNIQUE_ID", pa.string()),
        ("CHAIN", pa.string()),
        ("BLOCK_DAY", pa.string()),
        ("IS_MINT", pa.bool_()),
    ]
)
_DATES: Final = {"BLOCK_TIMESTAMP": pa.timestamp("us"), "BLOCK_DAY": pa.date32()}
_KINDS: Final = {
    pa.string(): JsonKind.TEXT,
    pa.int64(): JsonKind.INTEGER,
    pa.float64(): JsonKind.FLOAT,
    pa.bool_(): JsonKind.BOOLEAN,
}
_ZERO: Final = f"0x{0:040x}"
_START: Final = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
_ROWS_A_BLOCK: Final = 60
_ROWS_A_TRANSACTION: Final = 4
_PART: Final = 20_000

COLUMNS: Final = tuple(Column(field.name.lower(), _KINDS[field.type]) for field in _SCHEMA)


def staged(rows: int = ROWS, group_rows: int = GROUP_ROWS) -> Path:
    """Return the file with this many rows and rows per group; write it at the first call."""
    made_by = hashlib.sha256(inspect.getsource(sys.modules[__name__]).encode()).hexdigest()[:12]
    path = FOLDER / f"{rows}-{group_rows}-{made_by}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        own = path.with_suffix(f".{os.getpid()}")  # two first runs may start concurrently
        write(own, rows, group_rows)
        own.replace(path)
    return path


def with_dates() -> Path:
    """Return the same rows with timestamps and dates unformatted, as a plain export has them."""
    path = staged()
    native = path.with_suffix(".native.parquet")
    if not native.exists():
        table = pq.read_table(path)
        for name, physical in _DATES.items():
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, table.column(place).cast(physical))
        own = native.with_suffix(f".{os.getpid()}")
        pq.write_table(table, own, compression="snappy", row_group_size=GROUP_ROWS)
        own.replace(native)
    return native


def write(path: Path, rows: int, group_rows: int) -> None:
    """Write the rows in parts, so that memory never holds a large file as Python objects."""
    transfers = _transfers(rows)
    held: list[pa.Table] = []
    with pq.ParquetWriter(path, _SCHEMA, compression="snappy") as writer:
        for start in range(0, rows, _PART):
            part = [next(transfers) for _ in range(min(_PART, rows - start))]
            held.append(pa.Table.from_pylist(part, _SCHEMA))
            table = pa.concat_tables(held)
            while table.num_rows >= group_rows:
                writer.write_table(table.slice(0, group_rows), row_group_size=group_rows)
                table = table.slice(group_rows)
            held = [table]
        if held and held[0].num_rows:
            writer.write_table(held[0], row_group_size=group_rows)


def _transfers(rows: int) -> Iterator[dict[str, Any]]:
    dice = random.Random(7)  # noqa: S311 - a reproducible sample
    wallets = [f"0x{dice.getrandbits(160):040x}" for _ in range(30_000)]
    block_hash = transaction = sender = contract = ""
    for number in range(rows):
        block = number // _ROWS_A_BLOCK
        if number % _ROWS_A_BLOCK == 0:
            block_hash = f"0x{dice.getrandbits(256):064x}"
        if number % _ROWS_A_TRANSACTION == 0:
            transaction = f"0x{dice.getrandbits(256):064x}"
            sender, contract = dice.choice(wallets), dice.choice(wallets[:500])
        raw = dice.getrandbits(dice.randint(1, 90))
        token = min(int(dice.expovariate(0.02)), 399)
        dollars = None if dice.random() < 0.3 else raw / 1e6
        time = _START + dt.timedelta(seconds=2 * block)
        mint = number % 10 == 0
        yield {
            "FROM_ADDRESS": _ZERO if mint else dice.choice(wallets),
            "TO_ADDRESS": dice.choice(wallets),
            "TOKEN_ADDRESS": wallets[token],
            "TOKEN_NAME": _token_name(token),
            "TOKEN_SYMBOL": f"T{token}",
            "RAW_AMOUNT": float(raw),
            "RAW_AMOUNT_STR": str(raw),
            "AMOUNT": raw / 1e6,
            "AMOUNT_STR": f"{raw // 10**6}.{raw % 10**6:06}",
            "USD_AMOUNT": dollars,
            "USD_EXCHANGE_RATE": None if dollars is None else 1.0001,
            "TRANSACTION_FROM_ADDRESS": sender,
            "TRANSACTION_TO_ADDRESS": contract,
            "TRANSACTION_HASH": transaction,
            "TRANSACTION_INDEX": number % _ROWS_A_BLOCK // _ROWS_A_TRANSACTION,
            "LOG_INDEX": number % _ROWS_A_BLOCK,
            "BLOCK_TIMESTAMP": f"{time:%Y-%m-%dT%H:%M:%S}",
            "BLOCK_NUMBER": 42_745_326 + block,
            "BLOCK_HASH": block_hash,
            "UNIQUE_ID": f"base:token_transfer:{transaction}:{number % _ROWS_A_BLOCK}",
            "CHAIN": "base",
            "BLOCK_DAY": f"{time:%Y-%m-%d}",
            "IS_MINT": mint,
        }


def _token_name(token: int) -> str | None:
    if token % 10 == 0:
        return None
    return f'Token № {token}, "bridged"' if token % 7 == 0 else f"Token № {token}, bridged and wrapped"
