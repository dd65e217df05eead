"""Parquet to Kafka, against librdkafka's mock cluster: the product, the naive sender, and the ceiling."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import brokers, ceiling, chunk, kafka_work, process
from bench.figures import Figure, figure, ratio
from bench.rounds import Measured, paired

KEYS = ("kafka_vs_naive", "kafka_vs_ceiling", "kafka_cpu_overhead")


def run(rounds: int) -> dict[str, Figure]:
    path = chunk.staged()
    variants = {
        "product": lambda: sent(kafka_work.product, path),
        "naive": lambda: sent(kafka_work.naive, path),
        "naive_with_dates": lambda: sent(kafka_work.naive, chunk.with_dates()),
        "encode": lambda: process.work(kafka_work.encode_only, path=str(path)),
    }
    try:
        ceiling.program()
    except ceiling.NoCompiler as missing:
        print(f"kafka_vs_ceiling and kafka_cpu_overhead are skipped: {missing}")
    else:
        rows = ceiling.prepared(path)
        variants["ceiling"] = lambda: loop(rows)
    return figures(paired(variants, rounds))


def figures(found: Mapping[str, Sequence[Measured]]) -> dict[str, Figure]:
    product = found["product"]
    answered = {
        "kafka_vs_naive": ratio(product, found["naive"], "rows_per_s"),
        "kafka_vs_naive_with_dates": ratio(product, found["naive_with_dates"], "rows_per_s"),
        "kafka_rows_per_s": figure(each["rows_per_s"] for each in product),
        "kafka_cpu_us_per_row": figure(each["cpu_us"] for each in product),
        "encode_cpu_us_per_row": figure(each["cpu_us"] for each in found["encode"]),
    }
    if "ceiling" in found:
        answered["kafka_vs_ceiling"] = ratio(product, found["ceiling"], "rows_per_s")
        answered["ceiling_rows_per_s"] = figure(each["rows_per_s"] for each in found["ceiling"])
        answered["ceiling_cpu_us_per_row"] = figure(each["cpu_us"] for each in found["ceiling"])
        answered["kafka_cpu_overhead"] = figure(
            whole["cpu_us"] / (encoding["cpu_us"] + sending["cpu_us"])
            for whole, encoding, sending in zip(product, found["encode"], found["ceiling"], strict=True)
        )
    return answered


def sent(
    function: Callable[..., Mapping[str, float]],
    path: Path,
    *,
    core: int | None = process.MEASURED_CORE,
    **options: Any,
) -> dict[str, Any]:
    """Run a sender against its own broker, which must have every row afterwards."""
    with brokers.mock_broker(kafka_work.TOPIC) as broker:
        measured = process.work(function, core=core, path=str(path), bootstrap=broker.said, **options)
        return _arrived(measured, broker)


def loop(rows: Path) -> dict[str, Any]:
    """Run the C loop in the same way."""
    with brokers.mock_broker(kafka_work.TOPIC) as broker:
        command = ceiling.command(kafka_work.TOPIC, rows, kafka_work.settings(broker.said))
        return _arrived(process.run(command), broker)


def _arrived(measured: dict[str, Any], broker: brokers.Talker) -> dict[str, Any]:
    arrived = int(broker.ask(kafka_work.TOPIC))
    if arrived != measured["rows"]:
        raise process.BenchFailure(f"{arrived} of {measured['rows']} rows arrived at the broker")
    return measured
