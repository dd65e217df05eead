"""The crash points of staging and teardown."""

from collections.abc import Sequence

from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_deliveries import FirestoreDeliveries, FirestoreLease
from shared.adapters.firestore_topics import FirestoreTopics
from shared.adapters.gcs import GcsStagedFiles
from shared.adapters.snowflake import SnowflakeUnloads
from shared.destinations.kafka.topics import KafkaTopics
from shared.domain.chunks import Chunk
from shared.domain.jobs import Job
from tests.reliability.crash.hooks import Hooks


def install(hooks: Hooks) -> None:
    hooks.install(
        [
            (FirestoreTopics, "ensure", "topic.ensure"),
            (FirestoreTopics, "remove", "topic.remove"),
            (FirestoreTopics, "_write", "topic.record"),
            (KafkaTopics, "create", "topic.create"),
            (KafkaTopics, "delete", "topic.delete"),
            (SnowflakeUnloads, "submit", "unload.submit"),
            (SnowflakeUnloads, "find", "unload.find"),
            (SnowflakeUnloads, "files", "unload.manifest"),
            (SnowflakeUnloads, "abort", "unload.abort"),
            (FirestoreDeliveries, "take", "lease.take"),
            (FirestoreLease, "done", "lease.done"),
        ],
        inside={"unload.submit", "topic.create", "topic.delete"},
    )
    _halve_the_records(hooks)
    _halve_the_deleting(hooks)


def _halve_the_records(hooks: Hooks) -> None:
    record = FirestoreChunks.record

    def halved(store: FirestoreChunks, job: Job, chunks: Sequence[Chunk]) -> list[Chunk]:
        hooks.reach("chunks.record:before")
        recorded: list[Chunk] = []
        if half := len(chunks) // 2:
            recorded += record(store, job, chunks[:half])
            hooks.reach("chunks.record:middle")
        recorded += record(store, job, chunks[half:])
        hooks.reach("chunks.record:after")
        return recorded

    FirestoreChunks.record = halved  # type: ignore[method-assign,assignment]  # this is the hook


def _halve_the_deleting(hooks: Hooks) -> None:
    delete = GcsStagedFiles.delete

    def halved(files: GcsStagedFiles, prefix: str) -> None:
        hooks.reach("files.delete:before")
        names = sorted(blob.name for blob in files._client.list_blobs(files._bucket, prefix=prefix))
        if names:
            delete(files, names[0])
            hooks.reach("files.delete:middle")
        delete(files, prefix)
        hooks.reach("files.delete:after")

    GcsStagedFiles.delete = halved  # type: ignore[method-assign,assignment]  # this is the hook
