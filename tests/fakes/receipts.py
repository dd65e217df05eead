"""Receipts from the records in memory."""

from collections.abc import Iterator, Mapping

from shared.domain.chunks import Chunk
from shared.domain.jobs import Job
from shared.domain.oversized import MOST_NAMED
from shared.domain.receipt import ChunkReceipt, DeliveryReceipt, LeftOut
from tests.fakes.chunks import FakeChunks
from tests.fakes.deliveries import Delivery, FakeDeliveries


class FakeReceipts:
    """Implements the port Receipts."""

    def __init__(self, chunks: FakeChunks, deliveries: FakeDeliveries) -> None:
        self._chunks = chunks
        self._deliveries = deliveries

    def chunks(self, job: Job, start: int = 0) -> Iterator[ChunkReceipt]:
        for number in range(start, job.num_chunks or 0):
            chunk = self._chunks.get(job, number)
            assert chunk is not None
            yield self._receipt(job, chunk)

    def left_out(self, job: Job) -> Mapping[str, LeftOut]:
        found: dict[str, LeftOut] = {}
        for chunk, uid, record in self._of(job):
            if record.state == "done" and record.skipped.rows:
                before = found.get(uid, LeftOut())
                named = (*before.named, *((chunk, row) for row in record.skipped.named))
                found[uid] = LeftOut(before.rows + record.skipped.rows, named[:MOST_NAMED])
        return found

    def _receipt(self, job: Job, chunk: Chunk) -> ChunkReceipt:
        records = [(uid, record) for number, uid, record in self._of(job) if number == chunk.number]
        return ChunkReceipt(
            chunk.number,
            chunk.name,
            chunk.rows,
            chunk.size,
            next((record.crc32c for _, record in records if record.crc32c), None),
            tuple(
                DeliveryReceipt(
                    uid,
                    record.rows - record.skipped.rows if record.state == "done" else 0,
                    record.skipped.rows if record.state == "done" else 0,
                    record.epoch,
                    record.time_done,
                )
                for uid, record in records
            ),
        )

    def _of(self, job: Job) -> Iterator[tuple[int, str, Delivery]]:
        name = (job.organization_id, job.job_id, job.require_attempt().attempt_id)
        for place, record in sorted(self._deliveries.records.items()):
            if place[:3] == name:
                yield place[3], place[4], record
