"""The records of chunks in Firestore, and the counters of undelivered chunks."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from google.api_core.exceptions import AlreadyExists
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore_documents import (
    RETRY,
    TIMEOUT,
    attempt_reference,
    chunk_from,
    chunk_id,
    in_batches,
    job_reference,
    paged,
)
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.google_errors import reaching
from shared.domain.chunks import Chunk, shard_of
from shared.domain.jobs import Job

_COMMIT = 500
_COMMITS_AT_ONCE = 2
_LOOK_UP = 30


class FirestoreChunks:
    """Implements the port Chunks."""

    def __init__(self, client: firestore.Client, jobs: FirestoreJobs) -> None:
        self._client = client
        self._jobs = jobs

    def record(self, job: Job, chunks: Sequence[Chunk]) -> None:
        # Build the next commit while Firestore processes one.
        with reaching("the job store"), ThreadPoolExecutor(_COMMITS_AT_ONCE, "chunks") as pool:
            list(pool.map(partial(self._record, job), in_batches(chunks, _COMMIT)))

    def _record(self, job: Job, chunks: Sequence[Chunk]) -> None:
        try:
            self._create(job, chunks)
        except AlreadyExists:
            # An earlier run crashed after this commit, or its answer was lost. The chunks that it recorded
            # may be delivered by now, so their records must stay.
            references = [self._reference(job, chunk.number) for chunk in chunks]
            found = self._client.get_all(references, retry=RETRY, timeout=TIMEOUT)
            there = {snapshot.get("number") for snapshot in found if snapshot.exists}
            self._create(job, [chunk for chunk in chunks if chunk.number not in there])

    def commit(self, job: Job, transition: Callable[[Job], Job], chunks: Sequence[Chunk]) -> Job:
        def write_counts(batch: firestore.WriteBatch, staged: Job) -> None:
            for shard in range(staged.shards):
                counted = [chunk for chunk in chunks if shard_of(chunk.number, staged.shards) == shard]
                fields = {"chunks_left": len(counted), "rows_left": sum(chunk.rows for chunk in counted)}
                batch.set(self._shard(job, shard), fields)

        return self._jobs.change_with(job.organization_id, job.job_id, transition, write_counts)

    def get(self, job: Job, number: int) -> Chunk | None:
        with reaching("the job store"):
            snapshot = self._reference(job, number).get(retry=RETRY, timeout=TIMEOUT)
        return chunk_from(snapshot) if snapshot.exists else None

    def undelivered(self, job: Job, start: int = 0) -> Iterator[Chunk]:
        query = self._collection(job).where(filter=FieldFilter("delivered", "==", False))
        return map(chunk_from, paged(query, start=self._reference(job, start) if start else None))

    def first_undelivered(self, job: Job, numbers: Sequence[int]) -> Chunk | None:
        for some in in_batches(numbers, _LOOK_UP):
            references = [self._reference(job, number) for number in some]
            with reaching("the job store"):
                snapshots = list(self._client.get_all(references, retry=RETRY, timeout=TIMEOUT))
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
        shard = self._shard(job, shard_of(chunk.number, job.shards))
        batch = self._client.batch()
        batch.create(attempt_reference(self._client, job).collection("delivered").document(reference.id), {})
        batch.update(reference, {"delivered": True})
        batch.update(
            shard,
            {
                "chunks_left": firestore.Increment(-1),
                "rows_left": firestore.Increment(-chunk.rows),
                "counted_last": chunk.number,
            },
        )
        with reaching("the job store"):
            try:
                results = batch.commit(retry=RETRY, timeout=TIMEOUT)
            except AlreadyExists:
                # The handler that counted it may have crashed before it finished the job. Return its answer.
                found = shard.get(retry=RETRY, timeout=TIMEOUT)
                return bool(found.get("chunks_left") == 0 and found.get("counted_last") == chunk.number)
        # Firestore returns transform results in the order of field names: chunks_left comes first.
        return bool(results[2].transform_results[0].integer_value == 0)

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
        batch.commit(retry=RETRY, timeout=TIMEOUT)

    def _collection(self, job: Job) -> firestore.CollectionReference:
        collection: firestore.CollectionReference = attempt_reference(self._client, job).collection("chunks")
        return collection

    def _shard(self, job: Job, shard: int) -> firestore.DocumentReference:
        counts = job_reference(self._client, job.organization_id, job.job_id).collection("counts")
        document: firestore.DocumentReference = counts.document(str(shard))
        return document

    def _reference(self, job: Job, number: int) -> firestore.DocumentReference:
        return self._collection(job).document(chunk_id(number))
