"""The API's receipts of jobs. The same types describe them in the OpenAPI document."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NotRequired

from typing_extensions import TypedDict
from werkzeug.datastructures import MultiDict

from shared.domain.jobs import Job
from shared.domain.receipt import ChunkReceipt, LeftOut, unbalanced
from shared.steps.records import DestinationProgress
from shared.web.answers import Status, show_time
from shared.web.errors import Fault, Invalid
from shared.web.listing import query_faults, read_limit

MEDIA_TYPE = "application/x-ndjson"
CURSOR_PATTERN = "^[0-9]{8}$"


class Unload(TypedDict):
    """The unload; ``bytes``: the size of the staged files, null for a job that an older release staged."""

    query_id: str | None
    rows: int
    chunks: int
    bytes: int | None


class SkippedRow(TypedDict):
    """A row that a destination did not receive, by its number within the chunk, from 0.

    ``key``: the beginning of its key. ``bytes`` and ``limit``: its size and the destination's limit.
    """

    chunk: int
    row: int
    key: str | None
    bytes: int
    limit: int | None


class ReceiptDestination(TypedDict):
    """A destination's part of the receipt. ``skipped``: the first 1,000 skipped rows, if any."""

    uid: str
    type: str
    name: str
    rows_delivered: int
    rows_skipped: int
    chunks_delivered: int
    complete: bool
    skipped: NotRequired[list[SkippedRow]]


class Receipt(TypedDict):
    """``balanced``: at every destination, rows delivered plus rows skipped equal rows unloaded."""

    job_id: str
    status: Status
    unload: Unload
    destinations: list[ReceiptDestination]
    balanced: bool


class ReceiptDelivery(TypedDict):
    """A chunk's delivery to a destination. ``rows``: the rows that arrived, 0 until it is done; ``attempts``:
    how often the delivery began.
    """

    uid: str
    rows: int
    rows_skipped: int
    attempts: int
    time_done: str | None


class ReceiptChunk(TypedDict):
    """A line of the chunks' receipt. ``file``: the chunk's path in the staging bucket.

    ``crc32c``: the file's checksum from GCS in Base64; null until a delivery has read the file.
    """

    chunk: int
    file: str
    rows: int
    bytes: int
    crc32c: str | None
    deliveries: list[ReceiptDelivery]


def receipt(
    job: Job, progress: Mapping[str, DestinationProgress], left_out: Mapping[str, LeftOut]
) -> Receipt:
    """Return the receipt of a job whose manifest is committed."""
    rows = {uid: one.rows_done for uid, one in progress.items()}
    shown: list[ReceiptDestination] = []
    for destination in job.destinations:
        done, skipped = progress[destination.uid], left_out.get(destination.uid, LeftOut())
        one = ReceiptDestination(
            uid=destination.uid,
            type=destination.type,
            name=destination.name,
            rows_delivered=done.rows_done - skipped.rows,
            rows_skipped=skipped.rows,
            chunks_delivered=done.chunks_done,
            complete=done.chunks_done == job.num_chunks,
        )
        if skipped.rows:
            one["skipped"] = [
                SkippedRow(chunk=chunk, row=row.row, key=row.key, bytes=row.size, limit=row.limit)
                for chunk, row in skipped.named
            ]
        shown.append(one)
    return Receipt(
        job_id=job.job_id,
        status=job.status.value,
        unload=Unload(
            query_id=job.require_attempt().query_id,
            rows=job.num_rows or 0,
            chunks=job.num_chunks or 0,
            bytes=job.num_bytes,
        ),
        destinations=shown,
        balanced=not unbalanced(job, rows),
    )


def read_page(query: MultiDict[str, str]) -> tuple[int | None, int]:
    """Return the limit, if any, and the first chunk's number. Raises Invalid with all faults."""
    faults = query_faults(query, {"limit", "cursor"})
    limit = read_limit(query, faults)
    cursor = query.get("cursor")
    if cursor is not None and not re.fullmatch(CURSOR_PATTERN, cursor):
        faults.append(Fault(loc=["query", "cursor"], msg="Give the cursor of a Link header", type="cursor"))
    if faults:
        raise Invalid(faults)
    return limit, int(cursor or 0)


def lines(job: Job, chunks: Iterator[ChunkReceipt], limit: int | None) -> Iterator[bytes]:
    """Yield one chunk per line. An error in the middle ends the response early."""
    order = [destination.uid for destination in job.destinations]
    for chunk in islice(chunks, limit):
        yield json.dumps(_line(job, chunk, order), separators=(",", ":")).encode() + b"\n"


def next_link(path: str, job: Job, limit: int | None, start: int) -> Mapping[str, str]:
    """Return the Link header while more chunks follow. Their numbers have no gaps."""
    if limit is None or start + limit >= (job.num_chunks or 0):
        return {}
    return {"Link": f'<{path}?limit={limit}&cursor={start + limit:08d}>; rel="next"'}


def _line(job: Job, chunk: ChunkReceipt, order: Sequence[str]) -> ReceiptChunk:
    return ReceiptChunk(
        chunk=chunk.number,
        file=job.attempt_prefix + chunk.name,
        rows=chunk.rows,
        bytes=chunk.size,
        crc32c=chunk.crc32c,
        deliveries=[
            ReceiptDelivery(
                uid=one.uid,
                rows=one.rows,
                rows_skipped=one.skipped,
                attempts=one.attempts,
                time_done=None if one.time_done is None else show_time(one.time_done),
            )
            for one in sorted(chunk.deliveries, key=lambda one: order.index(one.uid))
        ],
    )
