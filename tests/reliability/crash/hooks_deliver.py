"""The crash points of a delivery."""

from collections.abc import Sequence

from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_deliveries import FirestoreDeliveries, FirestoreLease
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.destinations.connections import Connections
from shared.destinations.kafka_markers import Marker
from shared.destinations.kafka_sending import Sending
from shared.destinations.kafka_transaction import Transaction
from shared.steps.sending import EncodedBatch
from tests.reliability.crash.hooks import Hooks

_FLUSH_SECONDS = 10.0


class _Part:
    """Some rows of a batch."""

    def __init__(self, batch: EncodedBatch, rows: slice) -> None:
        keys = batch.keys()
        self._lines = batch.lines()[rows]
        self._keys = None if keys is None else keys[rows]
        self.first_row = batch.first_row + (rows.start or 0)
        self.rows = len(self._lines)
        self.size = sum(map(len, self._lines)) + self.rows

    def lines(self) -> Sequence[bytes]:
        return self._lines

    def keys(self) -> Sequence[bytes | None] | None:
        return self._keys


def install(hooks: Hooks) -> None:
    hooks.install(
        [
            (FirestoreDeliveries, "take", "lease.take"),
            (FirestoreLease, "renew", "lease.renew"),
            (FirestoreLease, "checkpoint", "lease.checkpoint"),
            (FirestoreLease, "done", "lease.done"),
            (FirestoreLease, "release", "lease.release"),
            (Transaction, "fence", "kafka.fence"),
            (Marker, "committed", "kafka.look_up"),
            (Transaction, "begin", "kafka.begin"),
            (Transaction, "mark", "kafka.mark"),
            (Transaction, "commit", "kafka.commit"),
            (Transaction, "abort", "kafka.abort"),
            (Connections, "post", "webhook.post"),
            (FirestoreChunks, "count_down", "chunk.count_down"),
            (FirestoreJobs, "record_destination_error", "destination.error"),
        ],
        inside={"kafka.fence", "kafka.commit", "webhook.post", "chunk.count_down", "lease.done"},
    )
    _halve_the_producing(hooks)


def _halve_the_producing(hooks: Hooks) -> None:
    send = Sending.send

    def halved(sending: Sending, batch: EncodedBatch) -> None:
        half = batch.rows // 2
        send(sending, _Part(batch, slice(half)))  # type: ignore[arg-type]  # all that sending asks of it
        # On the broker, and not committed.
        sending._producer.flush(_FLUSH_SECONDS)
        hooks.reach("kafka.produce:middle")
        send(sending, _Part(batch, slice(half, None)))  # type: ignore[arg-type]  # likewise
        hooks.reach("kafka.produce:after")

    Sending.send = halved  # type: ignore[method-assign,assignment]  # this is what a hook is
