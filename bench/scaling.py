"""Estimate a job of any size: a simulation of deliveries with the results of `make bench`.

``python -m bench.scaling`` reads `.bench/results.json` and writes the tables of `docs/scaling.md`. It is
deterministic: the same results give the same tables.
"""

import sys

from bench import prices, process, report
from bench.simulation import Measured, Outcome, Plan, enough_instances, measured_in, simulate
from shared.domain.chunks import shards_for

DOCUMENT = process.ROOT / "docs" / "scaling.md"
JOBS = (10**6, 10**7, 10**8, 10**9, 10**10)
CHUNK_BYTES = (8_000_000, 32_000_000, 128_000_000)
CONCURRENCY = (10, 100, 400)
LANES = (4, 16, 64, None)  # None: all chunks published at once


def jobs_table(measured: Measured) -> str:
    """Jobs of all sizes with the service's defaults."""
    lines = [
        "| rows | chunks | shards | X-Small unload | delivery | rows/s | saturates first | $ per 10⁹ rows |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for rows in JOBS:
        plan = Plan(rows, 32_000_000, prices.INSTANCES_BY_DEFAULT)
        outcome = simulate(plan, measured)
        lines.append(
            f"| {rows:,} | {plan.chunks:,} | {shards_for(plan.chunks)} | {_time(outcome.staging_seconds)} "
            f"| {_time(outcome.delivery_seconds)} | {rows / outcome.delivery_seconds:,.0f} "
            f"| {_saturated(outcome)} | {outcome.dollars_per_billion(rows):,.2f} |"
        )
    return "\n".join(lines)


def settings_table(measured: Measured, rows: int = 10**9) -> str:
    """A job of a billion rows with other chunk sizes and concurrencies."""
    lines = [
        "| chunk | instances | chunks | one chunk takes | delivery | saturates first | $ per 10⁹ rows |",
        "|---|---|---|---|---|---|---|",
    ]
    for chunk_bytes in CHUNK_BYTES:
        for instances in CONCURRENCY:
            plan = Plan(rows, chunk_bytes, instances)
            outcome = simulate(plan, measured)
            lines.append(
                f"| {chunk_bytes // 1_000_000} MB | {instances} | {plan.chunks:,} "
                f"| {_time(outcome.chunk_seconds)} | {_time(outcome.delivery_seconds)} "
                f"| {_saturated(outcome)} | {outcome.dollars_per_billion(rows):,.2f} |"
            )
    return "\n".join(lines)


def lanes_table(measured: Measured, rows: int = 10**9) -> str:
    """The cost of instances that wait for saturated brokers, and the savings with fewer lanes."""
    lines = [
        "| lanes | busy instances | one chunk takes | delivery | $ per 10⁹ rows | of it the function |",
        "|---|---|---|---|---|---|",
    ]
    for lanes in LANES:
        plan = Plan(rows, 32_000_000, prices.INSTANCES_BY_DEFAULT, lanes)
        outcome = simulate(plan, measured)
        lines.append(
            f"| {lanes or 'all at once'} | {plan.at_once} | {_time(outcome.chunk_seconds)} "
            f"| {_time(outcome.delivery_seconds)} | {outcome.dollars_per_billion(rows):,.2f} "
            f"| {outcome.dollars['function'] / rows * 1e9:,.2f} |"
        )
    return "\n".join(lines)


def bill_table(measured: Measured) -> str:
    """The cost of a billion rows by vendor, in one job with chunks of 32 MB."""
    plan = Plan(10**9, 32_000_000, prices.INSTANCES_BY_DEFAULT)
    dollars = simulate(plan, measured).dollars
    lines = ["| bill | $ per 10⁹ rows |", "|---|---|"]
    lines += [f"| {name} | {amount:,.2f} |" for name, amount in dollars.items()]
    return "\n".join([*lines, f"| all | {sum(dollars.values()):,.2f} |"])


def document(text: str, measured: Measured) -> str:
    """Return the document with the tables between its markers."""
    inputs = (
        f"Measured: {measured.rows_per_second:,.0f} rows/s per function instance, "
        f"{measured.overhead_seconds * 1000:,.0f} ms of overhead per chunk, 10,000 messages published in "
        f"{measured.publish_10k_seconds:.2f} s, 10,000 chunks recorded in "
        f"{measured.record_10k_seconds:.2f} s."
    )
    parts = [
        inputs,
        f"Instances that saturate the brokers: {enough_instances(measured)}.",
        "### Jobs of all sizes: chunks of 32 MB, 100 instances",
        jobs_table(measured),
        "### A billion rows: chunk size and concurrency",
        settings_table(measured),
        "### A billion rows: lanes",
        lanes_table(measured),
        "### A billion rows: cost by bill",
        bill_table(measured),
    ]
    return report.between_markers(text, "\n\n".join(parts))


def _saturated(outcome: Outcome) -> str:
    return f"{outcome.saturated_first} ({outcome.busy[outcome.saturated_first]:.0%})"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3600:.1f} h"


def main() -> int:
    try:
        measured = measured_in(report.read(process.ROOT / ".bench" / "results.json"))
    except KeyError as missing:
        print(f"{missing} is not measured yet: run make bench", file=sys.stderr)
        return 1
    DOCUMENT.write_text(document(DOCUMENT.read_text(), measured))
    tables = (jobs_table, settings_table, lanes_table, bill_table)
    print("\n\n".join(table(measured) for table in tables))
    return 0


if __name__ == "__main__":
    sys.exit(main())
