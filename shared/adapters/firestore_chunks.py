"""The records of chunks in Firestore, and the counters of undelivered chunks."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any

from google.api_core.exceptions import AlreadyExists, FailedPrecondition
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore_documents import (
    CALL,
    RACES,
    attempt_reference,
    chunk_from,
    chunk_id,
    fields_of,
    in_batches,
    job_reference,
    paged,
)
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.google_errors import reaching
from shared.domain.chunks import Chunk, shard_of
from shared.domain.errors import Unavailable
from shared.domain.jobs import Job

_COMMIT = 500
_COMMITS_AT_ONCE = 2
_LOOK_UP = 30


class FirestoreChunks:
    """Implements the port Chunks."""

    def __init__(self, client: firestore.Client, jobs: FirestoreJobs) -> None:
        self._client = client
        self._jobs = jobs

    def record(self, job: Job, chunks: Sequence[Chunk]) -> list[Chunk]:
        # Build the next commit while Firestore processes one.
        with reaching("the job store"), ThreadPoolExecutor(_COMMITS_AT_ONCE, "chunks") as pool:
            recorded = pool.map(partial(self._record, job), in_batches(chunks, _COMMIT))
            return list(chain.from_iterable(recorded))

    def _record(self, job: Job, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        try:
            self._create(job, chunks)
        except AlreadyExists:
            # An earlier run crashed after this commit, or its answer was lost. The chunks that it recorded
            # may be delivered by now, so their records must stay.
            references = [self._reference(job, chunk.number) for chunk in chunks]
            found = self._client.get_all(references, **CALL)
            there = {one.number: one for one in (chunk_from(each) for each in found if each.exists)}
            self._create(job, [chunk for chunk in chunks if chunk.number not in there])
            return [there.get(chunk.number, chunk) for chunk in chunks]
        return chunks

    def commit(self, job: Job, transition: Callable[[Job], Job], chunks: Sequence[Chunk]) -> Job:
        def write_counts(batch: firestore.WriteBatch, staged: Job) -> None:
            for shard in range(staged.shards):
                counted = [
                    chunk
                    for chunk in chunks
                    if not chunk.delivered and shard_of(chunk.number, staged.shards) == shard
                ]
                fields = {"chunks_left": len(counted), "rows_left": sum(chunk.rows for chunk in counted)}
                batch.set(self._shard(job, shard), fields)

        return self._jobs.change_with(job.organization_id, job.job_id, transition, write_counts)

    def get(self, job: Job, number: int) -> Chunk | None:
        with reaching("the job store"):
            snapshot = self._reference(job, number).get(**CALL)
        return chunk_from(snapshot) if snapshot.exists else None

    def undelivered(self, job: Job, start: int = 0) -> Iterator[Chunk]:
        query = self._collection(job).where(filter=FieldFilter("delivered", "==", False))
        return map(chunk_from, paged(query, start=self._reference(job, start) if start else None))

    def first_undelivered(self, job: Job, numbers: Sequence[int]) -> Chunk | None:
        for some in in_batches(numbers, _LOOK_UP):
            references = [self._reference(job, number) for number in some]
            with reaching("the job store"):
                snapshots = list(self._client.get_all(references, **CALL))
            found = [chunk_from(snapshot) for snapshot in snapshots if snapshot.exists]
            if left := [chunk for chunk in found if not chunk.delivered]:
                return min(left, key=lambda chunk: chunk.number)
        return None

    def count_down(self, job: Job, chunk: Chunk) -> bool:
        """Write one atomic batch without reading the hot document, so that many deliveries may do it at once.

        The batch writes both the marker and the count, or neither. Firestore refuses a second batch for the
        same chunk.
        """
        reference = self._reference(job, chunk.number)
        marker = attempt_reference(self._client, job).collection("delivered").document(reference.id)
        batch = self._client.batch()
        batch.create(marker, {})
        with reaching("the job store"):
            try:
                return self._commit_count(batch, job, chunk)
            except AlreadyExists:
                return self._counted_before(job, chunk)

    def _commit_count(
        self, batch: firestore.WriteBatch, job: Job, chunk: Chunk, option: Any | None = None
    ) -> bool:
        """Commit the batch together with the chunk's state, if ``option`` allows it, and the count."""
        batch.update(self._reference(job, chunk.number), {"delivered": True}, option=option)
        batch.update(
            self._shard(job, shard_of(chunk.number, job.shards)),
            {
                "chunks_left": firestore.Increment(-1),
                "rows_left": firestore.Increment(-chunk.rows),
                "counted_last": chunk.number,
            },
        )
        results = batch.commit(**CALL)
        # Firestore returns transform results in the order of field names: chunks_left comes first.
        emptied = results[-1].transform_results[0].integer_value == 0
        return emptied and self._is_last_shard(job, shard_of(chunk.number, job.shards))

    def _counted_before(self, job: Job, chunk: Chunk) -> bool:
        """Return the answer of the handler that counted the chunk. It may have crashed before it finished the
        job.

        One commit writes the marker, the chunk's state and the count. If the chunk is undelivered although
        its marker exists, then a restore has brought back the state and the count of an earlier minute, and
        the chunk counts again. The precondition lets only one handler count it.
        """
        reference, number = self._reference(job, chunk.number), shard_of(chunk.number, job.shards)
        shard = self._shard(job, number)
        for _ in range(RACES):
            found = {one.reference: one for one in self._client.get_all([reference, shard], **CALL)}
            if fields_of(found[reference]).get("delivered") is not False:
                count = fields_of(found[shard])
                emptied = count.get("chunks_left") == 0 and count.get("counted_last") == chunk.number
                return emptied and self._is_last_shard(job, number)
            option = self._client.write_option(last_update_time=found[reference].update_time)
            try:
                return self._commit_count(self._client.batch(), job, chunk, option)
            except FailedPrecondition:
                # Another handler counted it, or our own first attempt succeeded and its answer was lost.
                continue
        raise Unavailable("the job store", detail="the chunk's record kept changing")

    def _is_last_shard(self, job: Job, emptied: int) -> bool:
        """Return whether all of the job's shards are empty, and this one was emptied last.

        Nothing writes to an empty shard. Handlers that find all shards empty therefore agree on which one
        was the last, and only one of them finishes the job.
        """
        if job.shards == 1:
            return True
        numbers = {self._shard(job, number): number for number in range(job.shards)}
        times = []
        for snapshot in self._client.get_all(list(numbers), **CALL):
            if fields_of(snapshot).get("chunks_left") != 0:
                return False
            times.append((snapshot.update_time, numbers[snapshot.reference]))
        return bool(max(times)[1] == emptied)

    def _create(self, job: Job, chunks: Sequence[Chunk]) -> None:
        if not chunks:
            return
        batch, collection = self._client.batch(), self._collection(job)
        for chunk in chunks:
            batch.create(
                collection.document(chunk_id(chunk.number)),
                {
                    "number": chunk.number,
                    "name": chunk.name,
                    "size": chunk.size,
                    "rows": chunk.rows,
                    "delivered": False,
                },
            )
        batch.commit(**CALL)

    def _collection(self, job: Job) -> firestore.CollectionReference:
        collection: firestore.CollectionReference = attempt_reference(self._client, job).collection("chunks")
        return collection

    def _shard(self, job: Job, shard: int) -> firestore.DocumentReference:
        counts = job_reference(self._client, job.organization_id, job.job_id).collection("counts")
        document: firestore.DocumentReference = counts.document(str(shard))
        return document

    def _reference(self, job: Job, number: int) -> firestore.DocumentReference:
        return self._collection(job).document(chunk_id(number))
