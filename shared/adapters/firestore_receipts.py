"""Receipts in Firestore: the records of chunks and deliveries, read side by side."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore_documents import (
    DONE,
    attempt_reference,
    chunk_from,
    chunk_id,
    fields_of,
    paged,
    plain_time,
    skipped_from,
)
from shared.chunks import Chunk
from shared.jobs import Job
from shared.oversized import MOST_NAMED
from shared.receipt import ChunkReceipt, DeliveryReceipt, LeftOut

_CHUNKS = 250  # a page, with as many deliveries for each destination
_NAMING = 50  # deliveries with the names of skipped rows, of 200 kB at most
_SHOWN = ("chunk", "destination", "state", "rows", "rows_skipped", "epoch", "time_done", "crc32c")


class FirestoreReceipts:
    """Fulfils the port Receipts."""

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
    """The first chunk with which the destination is not done, or done with another number of rows."""
    for chunk in _receipts(client, job, 0):
        done = [one for one in chunk.deliveries if one.uid == uid and one.time_done is not None]
        if sum(one.rows + one.skipped for one in done) != chunk.rows or not done:
            return chunk.number
    return None


def _receipts(client: firestore.Client, job: Job, start: int) -> Iterator[ChunkReceipt]:
    chunks = attempt_reference(client, job).collection("chunks")
    first = chunks.document(chunk_id(start)) if start else None
    found = map(chunk_from, paged(chunks, start=first, size=_CHUNKS))
    while some := list(islice(found, _CHUNKS)):
        records = _records(client, job, some[0].number, some[-1].number)
        for chunk in some:
            yield _receipt(chunk, records[chunk.number])


def _records(client: firestore.Client, job: Job, first: int, last: int) -> Mapping[int, list[Any]]:
    """The deliveries of the chunks between the two, with them, by chunk: their ids begin with its number."""
    deliveries = _deliveries(client, job)
    query = deliveries.select(_SHOWN).end_before({"__name__": deliveries.document(chunk_id(last + 1))})
    records: dict[int, list[Any]] = defaultdict(list)
    for snapshot in paged(query, start=deliveries.document(chunk_id(first))):
        records[snapshot.get("chunk")].append(snapshot)
    return records


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
    # Deliveries of older releases tell it only by their last write.
    time = plain_time(fields.get("time_done") or record.update_time)
    return DeliveryReceipt(fields["destination"], fields["rows"] - skipped, skipped, fields["epoch"], time)


def _deliveries(client: firestore.Client, job: Job) -> firestore.CollectionReference:
    deliveries: firestore.CollectionReference = attempt_reference(client, job).collection("deliveries")
    return deliveries
