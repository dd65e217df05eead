"""Format answers as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from backfills.cli import text
from backfills.cli.advice import advice
from backfills.cli.text import number, printable

if TYPE_CHECKING:
    from backfills.models import Cost, Estimate, Job, ListedJob, Receipt, ReceiptChunk


def jobs(found: Sequence[ListedJob]) -> str:
    rows = [
        [
            printable(each.job_id),
            text.status(each.status),
            text.moment(each.time_created),
            _chunks(each),
            text.cut(printable(each.job_name), 60),
        ]
        for each in found
    ]
    return text.table(["JOB", "STATUS", "CREATED (UTC)", "CHUNKS", "NAME"], rows)


def _chunks(job: ListedJob) -> str:
    if job.num_chunks is None or job.chunks_left is None:
        return ""
    return f"{number(job.num_chunks - job.chunks_left)}/{number(job.num_chunks)}"


def job(found: Job) -> str:
    """Format one job."""
    progress = found.progress
    lines = [
        printable(found.job_name),
        f"  job       {printable(found.job_id)}",
        f"  status    {text.status(found.status)}{' (paused)' if found.paused else ''}",
        f"  table     {printable(found.table)}",
        f"  slice     {_slice(found)}",
        *_filter(found),
        f"  created   {text.moment(found.time_created)} UTC",
        *([f"  ended     {text.moment(found.time_completed)} UTC"] if found.time_completed else []),
        f"  rows      {number(progress.rows_done)} of {number(progress.rows_total)}",
        f"  chunks    {number(progress.chunks_done)} of {number(progress.chunks_total)}",
    ]
    for each in found.destinations:
        state = each.state
        if state is not None:
            lines.append(
                f"  {printable(each.type)} {printable(each.name)}: {text.status(state.status)},"
                f" {number(state.rows_done)} rows"
            )
    return "\n".join([*lines, *advice(found)])


def _slice(found: ListedJob) -> str:
    return printable(f"{found.backfill_start} <= {found.partition_key} < {found.backfill_end}")


def _filter(found: ListedJob) -> Iterator[str]:
    if found.filter_column and found.filter_values is not None:
        some = ", ".join(printable(str(value)) for value in found.filter_values[:3])
        more = f" and {len(found.filter_values) - 3:,} more" if len(found.filter_values) > 3 else ""  # noqa: PLR2004 - as above
        yield f"  filter    {printable(found.filter_column)}: {some}{more}"


def estimate(found: Estimate) -> str:
    """Format an estimate with its warnings."""
    chunks, size = number(found.chunks), text.size(found.bytes)
    lines = [
        f"{number(found.rows)} rows, about {chunks} chunks and {size} of JSON",
        *_cost(found.cost),
        *(f"Warning: {printable(each)}" for each in found.warnings),
    ]
    return "\n".join(lines)


def _cost(cost: Cost | None) -> Iterator[str]:
    if cost is not None:
        yield f"Cost: {cost.low} to {cost.high} {printable(cost.currency)}"


def receipt(found: Receipt) -> str:
    """Format what each destination has of the unloaded rows."""
    rows = [
        [
            printable(f"{each.type} {each.name}"),
            number(each.rows_delivered),
            number(each.rows_skipped),
            number(each.chunks_delivered),
            "yes" if each.complete else "no",
        ]
        for each in found.destinations
    ]
    unload = found.unload
    return "\n".join(
        [
            f"{text.status(found.status)}: {number(unload.rows)} rows unloaded, {text.size(unload.bytes)}",
            text.table(["DESTINATION", "DELIVERED", "SKIPPED", "CHUNKS", "COMPLETE"], rows),
            "The receipt balances: every destination has all rows except skipped ones."
            if found.balanced
            else "The receipt does not balance: some destination lacks rows.",
        ]
    )


def chunk(found: ReceiptChunk) -> str:
    done = sum(each.time_done is not None for each in found.deliveries)
    file = printable(found.file)
    return (
        f"{found.chunk}  {number(found.rows)} rows  {done} of {len(found.deliveries)} deliveries done  {file}"
    )
