"""The estimate of a slice: its chunks and bytes, what looks wrong with it, and what it would cost.

Rows are exact; all else follows from them and from a sample.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain import prices
from shared.domain.jobs import FilterValue
from shared.domain.slices import Facts, Slice

# Assumption: the staged file's bytes for each byte of JSON; of token transfers it is 164 for 245.
STAGED_SHARE = 0.67
# A job has at most some millions of chunks, and a day of an X-Small warehouse is many dollars.
MANY_ROWS = 1_000_000_000
# A slice is far larger than usual if it has so many times the rows of the largest of the latest jobs on its
# table. Fewer jobs, or fewer rows, tell nothing.
_USUAL_TIMES, _USUAL_JOBS, _USUAL_ROWS = 10, 3, 100_000
_SHOWN = 5  # values that a warning names
_HEX = re.compile(r"0[xX][0-9a-fA-F]+")
_GIB = 2.0**30

# Seconds of a delivery function for each row of one destination, and for each chunk besides.
_ROW_SECONDS = (4e-6, 40e-6)
_CHUNK_SECONDS = (0.3, 3.0)
# Firestore's for each chunk, and for each chunk and destination: docs/decisions/001.
_WRITES, _WRITES_EACH, _READS = 4, 3, 5
ASSUMPTIONS = (
    f"list prices of {prices.READ_IN} in a US region, without free tiers and discounts",
    "low: a warehouse that runs anyway, and destinations in the same region",
    "high: a warehouse that is started for it at half the usual speed, and destinations on the internet",
    f"an X-Small warehouse unloads {prices.XSMALL_UNLOAD_BYTES / 1e6:g} MB of Parquet a second",
    f"a row in the staged files takes {STAGED_SHARE:g} of its JSON's bytes",
)


@dataclass(frozen=True, slots=True)
class Range:
    """US dollars."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """``size``: bytes of all rows as JSON. ``cost``: by what is paid for."""

    rows: int
    chunks: int
    size: int
    warnings: tuple[str, ...]
    cost: Mapping[str, Range]


def estimate(
    facts: Facts, wanted: Slice, *, destinations: int, now: datetime, earlier: Sequence[int] = ()
) -> Estimate:
    """Judge what Snowflake answered; ``now`` in UTC.

    ``earlier``: the rows of the organization's latest jobs on the table.
    """
    size = round(facts.rows * _row_bytes(facts))
    staged = size * STAGED_SHARE
    chunks = math.ceil(staged / facts.chunk_bytes)
    cost = costs(facts.rows, chunks, size, staged, max(1, destinations))
    return Estimate(facts.rows, chunks, size, tuple(warnings(facts, wanted, now, earlier)), cost)


def warnings(facts: Facts, wanted: Slice, now: datetime, earlier: Sequence[int] = ()) -> Iterator[str]:
    """Sentences about what looks wrong."""
    if wanted.window.partition_key != "block":
        # As the API echoes bounds: texts of one form, in UTC, which sort as times do.
        moment = now.replace(tzinfo=None).isoformat()
        if wanted.window.start > moment:
            yield f"The window begins in the future: it is {moment[:19]} now"
        elif wanted.window.end > moment:
            yield (
                "The window ends in the future: rows that come after the export are not in it; it is"
                f" {moment[:19]} now"
            )
    if not facts.rows:
        yield "There are no rows in the slice"
    elif facts.rows >= MANY_ROWS:
        yield f"The slice has {facts.rows:,} rows: consider several backfills, each of a part of the window"
    yield from _of_size(facts.rows, wanted.table, earlier)
    yield from _of_filter(facts, wanted)
    fields = dict(wanted.looked_at)
    for place, why in facts.unfit:
        yield f"Rows could not be sent to {fields[place]['type']} {fields[place]['name']}: {why}"


def _of_size(rows: int, table: str, earlier: Sequence[int]) -> Iterator[str]:
    usual = max(earlier, default=0)
    if len(earlier) >= _USUAL_JOBS and rows > max(_USUAL_ROWS, _USUAL_TIMES * usual):
        yield (
            f"The slice has {rows:,} rows, far more than usual: the largest of the latest {len(earlier)}"
            f" backfills of {table} had {usual:,}"
        )


def _of_filter(facts: Facts, wanted: Slice) -> Iterator[str]:
    values = [wanted.filter_values[place] for place in facts.unmatched]
    if not values:
        return
    column = wanted.filter_column
    yield (
        f"{len(values):,} of the filter's {len(wanted.filter_values):,} values of {column} match no row in"
        f" the window: {_listed(values)}"
    )
    yield from _of_mixed(values)


def warnings_of_unloaded(
    rows: int | None, column: str | None, values: Sequence[FilterValue]
) -> Iterator[str]:
    """Sentences about what looks wrong with a slice of which so many rows were unloaded; None: not yet."""
    if rows != 0:
        return
    yield "There were no rows in the slice"
    if column is not None:
        yield f"None of the filter's values of {column} matched a row in the window: {_listed(values)}"
        yield from _of_mixed(values)


def _of_mixed(unmatched: Sequence[FilterValue]) -> Iterator[str]:
    mixed = [value for value in unmatched if isinstance(value, str) and _is_mixed(value)]
    if mixed:
        yield (
            f"Of these, {_listed(mixed)} {'has' if len(mixed) == 1 else 'have'} letters in upper case. Values"
            f" are compared as they are, and addresses and hashes are kept in lower case: write"
            f" {_listed([value.lower() for value in mixed])}"
        )


def _is_mixed(value: str) -> bool:
    return _HEX.fullmatch(value) is not None and value != value.lower()


def _listed(values: Sequence[object]) -> str:
    shown = ", ".join(json.dumps(value, ensure_ascii=False)[:80] for value in values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{shown} and {len(values) - _SHOWN:,} more"


def _row_bytes(facts: Facts) -> float:
    rows = [len(row.encode()) for row in facts.sample]
    return sum(rows) / len(rows) if rows else 0.0


def costs(rows: int, chunks: int, size: int, staged: float, destinations: int) -> dict[str, Range]:
    """What the job would be billed for; ``size`` and ``staged`` in bytes."""
    if not rows:
        return {"warehouse": _warehouse(0.0)}
    deliveries, gib = chunks * destinations, staged / _GIB
    second = prices.VCPU_SECOND + prices.GIB_SECOND
    function = [
        (rows * destinations * row + deliveries * chunk) * second + chunks / 1e6 * prices.MILLION_REQUESTS
        for row, chunk in zip(_ROW_SECONDS, _CHUNK_SECONDS, strict=True)
    ]
    writes, reads = chunks * _WRITES + deliveries * _WRITES_EACH, chunks * _READS
    firestore = writes / 1e5 * prices.DOCUMENT_WRITES_100K + reads / 1e5 * prices.DOCUMENT_READS_100K
    pubsub = 2 * chunks * prices.LEAST_REQUEST_BYTES / 2**40 * prices.PUBSUB_TIB
    fetches = max(staged / prices.FETCH_BYTES, chunks) * destinations
    bucket = chunks / 1e3 * prices.WRITES_1K + fetches / 1e3 * prices.READS_1K
    return {
        "warehouse": _warehouse(staged / prices.XSMALL_UNLOAD_BYTES),
        "functions": Range(*function),
        "firestore": Range(firestore, 2 * firestore),
        "pubsub": Range(pubsub, 2 * pubsub),
        # Kept for a day, or for two weeks where the job fails.
        "bucket": Range(*(bucket + gib * prices.STORED_GIB_MONTH * days / 30 for days in (1, 14))),
        "egress": Range(0.0, size / _GIB * prices.EGRESS_GIB * destinations),
    }


def _warehouse(seconds: float) -> Range:
    high = max(2 * seconds, prices.WAREHOUSE_MINIMUM_SECONDS)
    return Range(seconds / 3600 * prices.CREDIT, high / 3600 * prices.CREDIT)
