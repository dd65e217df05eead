"""The countdown's writes and reads without the service: what the client and Firestore themselves allow."""

from collections.abc import Callable, Sequence

from google.api_core.exceptions import AlreadyExists
from google.cloud import firestore

from shared.adapters.firestore_documents import CALL
from shared.domain.chunks import Chunk, shard_of, shards_for

_COMMIT = 500


def prepare(client: firestore.Client, root: str, chunks: Sequence[Chunk]) -> None:
    """Write a document for each chunk and each shard below the collection ``root``."""
    for start in range(0, len(chunks), _COMMIT):
        batch = client.batch()
        for chunk in chunks[start : start + _COMMIT]:
            fields = {"number": chunk.number, "name": chunk.name, "size": chunk.size, "rows": chunk.rows}
            batch.set(_chunk(client, root, chunk), {**fields, "delivered": False})
        batch.commit()
    shards = shards_for(len(chunks))
    for number in range(shards):
        counted = [chunk for chunk in chunks if shard_of(chunk.number, shards) == number]
        fields = {"chunks_left": len(counted), "rows_left": sum(chunk.rows for chunk in counted)}
        _shard(client, root, number).set(fields)


def counting(client: firestore.Client, root: str, shards: int) -> Callable[[Chunk], None]:
    """Return a function that counts a chunk down, or reads its records if it is already counted."""

    def count(chunk: Chunk) -> None:
        record, shard = _chunk(client, root, chunk), _shard(client, root, shard_of(chunk.number, shards))
        batch = client.batch()
        batch.create(record.collection("counted").document("once"), {})
        batch.update(record, {"delivered": True})
        batch.update(
            shard,
            {
                "chunks_left": firestore.Increment(-1),
                "rows_left": firestore.Increment(-chunk.rows),
                "counted_last": chunk.number,
            },
        )
        try:
            batch.commit(**CALL)
        except AlreadyExists:
            list(client.get_all([record, shard], **CALL))

    return count


def _chunk(client: firestore.Client, root: str, chunk: Chunk) -> firestore.DocumentReference:
    reference: firestore.DocumentReference = client.collection(root).document(f"chunk-{chunk.number}")
    return reference


def _shard(client: firestore.Client, root: str, number: int) -> firestore.DocumentReference:
    reference: firestore.DocumentReference = client.collection(root).document(f"shard-{number}")
    return reference
