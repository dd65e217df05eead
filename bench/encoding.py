"""Encoders of JSON, and Avro, from the Parquet file to keys and lines: ``python -m bench.encoding``.

It is not part of `make bench`. Run it to reconsider an encoder (docs/decisions/003 and 032).
"""

from bench import chunk, kafka_work, process
from bench import encoding_work as work
from bench.figures import figure, ratio
from bench.rounds import paired

_ROUNDS = 5


def main() -> None:
    process.stay_aside()
    path = str(chunk.staged())
    works = (kafka_work.encode_only, work.avro, work.msgspec_struct, work.standard_library, work.read_only)
    found = paired(
        {one.__name__: lambda one=one: process.work(one, path=path) for one in works},  # type: ignore[misc]
        _ROUNDS,
    )
    for name, runs in found.items():
        speed = figure(each["rows_per_s"] / 1000 for each in runs)
        times = ratio(runs, found["standard_library"], "rows_per_s").median
        print(f"{name:17} {speed.median:5.0f} krows/s ({speed.min:.0f} to {speed.max:.0f}), {times:4.1f} x")


if __name__ == "__main__":
    main()
