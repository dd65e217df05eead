"""Rows a second of the encoder and of what it was chosen over: Parquet file in, keys and lines out.

    python bench/encoding.py [--file CHUNK.parquet] [--rounds 5]

Each variant runs in a process of its own on one core, in turns. Compare ratios inside one run; seconds
differ between machines and hours. Without a file, one in the shape of ERC-20 transfers is generated.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from shared.columns import Column, JsonKind  # noqa: E402 - after the path is set
from shared.encoding import ParquetRows  # noqa: E402 - after the path is set

ROWS: Final = 244_000
BATCH: Final = 8192
KEY: Final = "unique_id"


def product(path: Path) -> int:
    """The project's own encoder."""
    with path.open("rb") as file:
        total = 0
        for batch in ParquetRows(file, columns_of(path), KEY, path.name).batches(BATCH):
            total += min(len(batch.lines()), len(batch.keys() or ()))
        return total


def msgspec_struct(path: Path) -> int:
    """A msgspec Struct for each row, from the columns as Python lists."""
    names = [column.name for column in columns_of(path)]
    row_type = msgspec.defstruct("Row", [(name, object) for name in names], gc=False)
    encode = msgspec.json.Encoder().encode
    total = 0
    for batch in pq.ParquetFile(path).iter_batches(BATCH, use_threads=False):
        columns = [values.to_pylist() for values in batch.columns]
        lines = [encode(row_type(*row)) for row in zip(*columns, strict=True)]
        keys = [key.encode() for key in columns[names.index(KEY)]]
        total += min(len(lines), len(keys))
    return total


def naive(path: Path) -> int:
    """The standard library, row by row."""
    total = 0
    for batch in pq.ParquetFile(path).iter_batches(BATCH, use_threads=False):
        rows = [{name.lower(): value for name, value in row.items()} for row in batch.to_pylist()]
        lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
        keys = [row[KEY].encode() for row in rows]
        total += min(len(lines), len(keys))
    return total


def read_only(path: Path) -> int:
    """The Parquet file alone: what no encoder can be faster than."""
    return sum(batch.num_rows for batch in pq.ParquetFile(path).iter_batches(BATCH, use_threads=False))


VARIANTS: Final[dict[str, Callable[[Path], int]]] = {
    variant.__name__: variant for variant in (product, msgspec_struct, naive, read_only)
}


def columns_of(path: Path) -> list[Column]:
    kinds = {pa.string(): JsonKind.TEXT, pa.int64(): JsonKind.INTEGER, pa.float64(): JsonKind.FLOAT}
    return [Column(field.name.lower(), kinds[field.type]) for field in pq.read_schema(path)]


def generate(path: Path) -> None:
    """Transfers as the unload writes them: 20 columns, timestamps as text, some 900 bytes of JSON a row."""
    dice = random.Random(7)  # noqa: S311 - a sample that is the same every time
    wallets = [f"0x{dice.getrandbits(160):040x}" for _ in range(30_000)]
    rows: list[dict[str, Any]] = []
    transaction = block = f"0x{0:064x}"
    for number in range(ROWS):
        if number % 60 == 0:
            block = f"0x{dice.getrandbits(256):064x}"
        if number % 2 == 0:
            transaction = f"0x{dice.getrandbits(256):064x}"
        raw = dice.getrandbits(dice.randint(1, 90))
        token = min(int(dice.expovariate(0.02)), 399)
        dollars = None if dice.random() < 0.3 else raw / 1e6
        rows.append(
            {
                "FROM_ADDRESS": dice.choice(wallets),
                "TO_ADDRESS": dice.choice(wallets),
                "TOKEN_ADDRESS": wallets[token],
                "TOKEN_NAME": None if token % 10 == 0 else f"Token № {token}",
                "TOKEN_SYMBOL": f"T{token}",
                "RAW_AMOUNT": float(raw),
                "RAW_AMOUNT_STR": str(raw),
                "AMOUNT": raw / 1e6,
                "AMOUNT_STR": f"{raw // 10**6}.{raw % 10**6:06}",
                "USD_AMOUNT": dollars,
                "USD_EXCHANGE_RATE": None if dollars is None else 1.0001,
                "TRANSACTION_FROM_ADDRESS": wallets[number // 2 % 30_000],
                "TRANSACTION_TO_ADDRESS": wallets[number // 3 % 30_000],
                "TRANSACTION_HASH": transaction,
                "TRANSACTION_INDEX": number % 60 // 2,
                "LOG_INDEX": number % 60,
                "BLOCK_TIMESTAMP": f"2026-03-{number * 30 // ROWS + 1:02}T{number // 3600 % 24:02}:00:01",
                "BLOCK_NUMBER": 20_000_000 + number // 60,
                "BLOCK_HASH": block,
                "UNIQUE_ID": f"base:{transaction}:{number}",
            }
        )
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=122_880)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.variant:
        started = time.perf_counter()
        rows = VARIANTS[arguments.variant](arguments.file)
        seconds = time.perf_counter() - started
        print(json.dumps({"krows_per_second": rows / seconds / 1000, "peak_mib": peak_mib()}))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file or Path(folder) / "transfers.parquet"
        if not arguments.file:
            generate(path)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
        for turn in range(arguments.rounds):
            for name in list(VARIANTS)[:: -1 if turn % 2 else 1]:
                found[name].append(run_alone(name, path))
    slowest = [measured["krows_per_second"] for measured in found["naive"]]
    for name, measured in found.items():
        speeds = [each["krows_per_second"] for each in measured]
        ratio = statistics.median(speed / base for speed, base in zip(speeds, slowest, strict=True))
        print(
            f"{name:15} {statistics.median(speeds):6.0f} krows/s ({min(speeds):.0f}-{max(speeds):.0f}), "
            f"{ratio:5.1f} x naive, peak {max(each['peak_mib'] for each in measured):.0f} MiB"
        )


def peak_mib() -> int:
    # Not getrusage: its peak counts what the parent had in memory before this program was loaded.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def run_alone(variant: str, path: Path) -> dict[str, float]:
    core = str(max(os.sched_getaffinity(0)))
    command = ["taskset", "-c", core, sys.executable, __file__, "--variant", variant, "--file", str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(output)
    return measured


if __name__ == "__main__":
    main()
