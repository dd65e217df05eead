"""Alternatives to the encoder, from the Parquet file to keys and lines: ``python -m bench.encoding``.

It is not part of `make bench`. Run it to reconsider the encoder (docs/decisions/003-encoder.md).
"""

import json
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from bench import chunk, kafka_work, process
from bench.figures import figure, ratio
from bench.rounds import paired
from bench.work import measured

_BATCH_ROWS = 8_192
_ROUNDS = 5


def msgspec_struct(path: str) -> dict[str, float]:
    """Encode a msgspec Struct for each row, from the columns as Python lists."""
    names = [column.name for column in chunk.COLUMNS]
    row_type = msgspec.defstruct("Row", [(name, object) for name in names], gc=False)
    encode = msgspec.json.Encoder().encode
    with measured(chunk.ROWS) as found:
        for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS, use_threads=False):
            columns = [values.to_pylist() for values in batch.columns]
            lines = [encode(row_type(*row)) for row in zip(*columns, strict=True)]
            keys = [key.encode() for key in columns[names.index(chunk.KEY)]]
            assert len(lines) == len(keys)
    return found


def standard_library(path: str) -> dict[str, float]:
    """Encode row by row."""
    with measured(chunk.ROWS) as found:
        for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS, use_threads=False):
            rows = [{name.lower(): value for name, value in row.items()} for row in batch.to_pylist()]
            lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
            keys = [row[chunk.KEY].encode() for row in rows]
            assert len(lines) == len(keys)
    return found


def read_only(path: str) -> dict[str, float]:
    """Only read the Parquet file: no encoder can be faster."""
    with measured(chunk.ROWS) as found, Path(path).open("rb") as file:
        for _batch in pq.ParquetFile(file).iter_batches(_BATCH_ROWS, use_threads=False):
            pass
    return found


def main() -> None:
    process.stay_aside()
    path = str(chunk.staged())
    works = (kafka_work.encode_only, msgspec_struct, standard_library, read_only)
    found = paired(
        {work.__name__: lambda work=work: process.work(work, path=path) for work in works},  # type: ignore[misc]
        _ROUNDS,
    )
    for name, runs in found.items():
        speed = figure(each["rows_per_s"] / 1000 for each in runs)
        times = ratio(runs, found["standard_library"], "rows_per_s").median
        print(f"{name:17} {speed.median:5.0f} krows/s ({speed.min:.0f} to {speed.max:.0f}), {times:4.1f} x")


if __name__ == "__main__":
    main()
