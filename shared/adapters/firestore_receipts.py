"""Receipts in Firestore: the records of chunks and deliveries, read side by side."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore_documents import (
    CALL,
    DONE,
    attempt_reference,
    chunk_from,
    chunk_id,
    delivery_id,
    fields_of,
    in_batches,
    paged,
    plain_time,
    skipped_from,
)
from shared.adapters.google_errors import reaching
from shared.domain.chunks import Chunk
from shared.domain.jobs import Job
from shared.domain.oversized import MOST_NAMED
from shared.domain.receipt import ChunkReceipt, DeliveryReceipt, LeftOut

_CHUNKS = 250  # per page; each destination reads as many deliveries at once
_NAMING = 50  # deliveries with the names of skipped rows, of 200 kB at most
_SHOWN = ("chunk", "destination", "state", "rows", "rows_skipped", "epoch", "time_done", "crc32c")


class FirestoreReceipts:
    """Implements the port Receipts."""

    def __init__(self, client: firestore.Client) -> None:
        self._client = client

    def chunks(self, job: Job, start: int = 0) -> Iterator[ChunkReceipt]:
        return _receipts(self._client, job, start)

    def left_out(self, job: Job) -> Mapping[str, LeftOut]:
        found: dict[str, LeftOut] = {}
        query = _deliveries(self._client, job).where(filter=FieldFilter("skips", "==", True))
        for fields in map(fields_of, paged(query, size=_NAMING)):
            if fields["state"] == DONE:
                uid, skipped = fields["destination"], skipped_from(fields)
                before = found.get(uid, LeftOut())
                named = (*before.named, *((fields["chunk"], row) for row in skipped.named))
                found[uid] = LeftOut(before.rows + skipped.rows, named[:MOST_NAMED])
        return found


def first_unequal(client: firestore.Client, job: Job, uid: str) -> int | None:
    """Return the first chunk that the destination has not finished, or finished with a wrong row count."""
    for chunk in _receipts(client, job, 0):
        done = [one for one in chunk.deliveries if one.uid == uid and one.time_done is not None]
        if sum(one.rows + one.skipped for one in done) != chunk.rows or not done:
            return chunk.number
    return None


def sum_rows_done(client: firestore.Client, job: Job) -> Mapping[str, int]:
    """Return the rows that each destination has finished by its uid, read chunk by chunk."""
    rows: dict[str, int] = defaultdict(int)
    for chunk in _receipts(client, job, 0):
        for one in chunk.deliveries:
            rows[one.uid] += one.rows + one.skipped
    return rows


def _receipts(client: firestore.Client, job: Job, start: int) -> Iterator[ChunkReceipt]:
    """Yield receipts. The chunks' numbers determine the documents' names, so this needs no index."""
    chunks = attempt_reference(client, job).collection("chunks")
    for some in in_batches(range(start, job.num_chunks or 0), _CHUNKS):
        found = _all(client, [chunks.document(chunk_id(number)) for number in some])
        records = _records(client, job, some)
        for chunk in sorted(map(chunk_from, found), key=lambda chunk: chunk.number):
            yield _receipt(chunk, records[chunk.number])


def _records(client: firestore.Client, job: Job, chunks: Sequence[int]) -> Mapping[int, list[Any]]:
    """Return the deliveries of the chunks by chunk number."""
    deliveries, records = _deliveries(client, job), defaultdict[int, list[Any]](list)
    for destination in job.destinations:
        names = [deliveries.document(delivery_id(number, destination.uid)) for number in chunks]
        for snapshot in _all(client, names, _SHOWN):
            records[snapshot.get("chunk")].append(snapshot)
    return records


def _all(
    client: firestore.Client, names: list[firestore.DocumentReference], fields: Sequence[str] | None = None
) -> list[firestore.DocumentSnapshot[Any]]:
    """Return the documents that exist, in no particular order."""
    with reaching("the job store"):
        return [one for one in client.get_all(names, field_paths=fields, **CALL) if one.exists]


def _receipt(chunk: Chunk, records: list[Any]) -> ChunkReceipt:
    checksums = [fields_of(record).get("crc32c") for record in records]
    return ChunkReceipt(
        chunk.number,
        chunk.name,
        chunk.rows,
        chunk.size,
        next((checksum for checksum in checksums if checksum), None),
        tuple(map(_delivery, records)),
    )


def _delivery(record: firestore.DocumentSnapshot[Any]) -> DeliveryReceipt:
    fields = fields_of(record)
    if fields["state"] != DONE:
        return DeliveryReceipt(fields["destination"], 0, 0, fields["epoch"], None)
    skipped = fields.get("rows_skipped", 0)
    # Deliveries of older releases have no time_done. Use the time of their last write.
    time = plain_time(fields.get("time_done") or record.update_time)
    return DeliveryReceipt(fields["destination"], fields["rows"] - skipped, skipped, fields["epoch"], time)


def _deliveries(client: firestore.Client, job: Job) -> firestore.CollectionReference:
    deliveries: firestore.CollectionReference = attempt_reference(client, job).collection("deliveries")
    return deliveries
