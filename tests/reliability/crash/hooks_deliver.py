"""The crash points of a delivery."""

from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_deliveries import FirestoreDeliveries, FirestoreLease
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.destinations.gcs.sink import GcsSink
from shared.destinations.kafka.markers import Marker
from shared.destinations.kafka.sending import Sending
from shared.destinations.kafka.transaction import Transaction
from shared.destinations.nats.sending import Sending as NatsSending
from shared.destinations.pubsub.sink import PubSubSink
from shared.destinations.sns import sink as sns
from shared.destinations.webhook.connections import Connections
from shared.steps.sending import EncodedBatch
from tests.reliability.crash.hooks import Hooks

_FLUSH_SECONDS = 10.0


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
            (GcsSink, "_is_there", "gcs.look"),
            (GcsSink, "_write", "gcs.write"),
            (PubSubSink, "_publish", "pubsub.publish"),
            (sns, "_publish", "sns.publish"),
            (NatsSending, "_send", "nats.publish"),
            (NatsSending, "_land_first", "nats.await"),
            (FirestoreChunks, "count_down", "chunk.count_down"),
            (FirestoreJobs, "record_destination_error", "destination.error"),
        ],
        inside={
            "kafka.fence",
            "kafka.commit",
            "webhook.post",
            "gcs.write",
            "pubsub.publish",
            "sns.publish",
            "nats.publish",
            "nats.await",
            "chunk.count_down",
            "lease.done",
        },
    )
    _halve_the_producing(hooks)


def _halve_the_producing(hooks: Hooks) -> None:
    send = Sending.send

    def halved(sending: Sending, batch: EncodedBatch) -> None:
        half = batch.rows // 2
        send(sending, batch.part(0, half))
        # On the broker, but not committed.
        sending._producer.flush(_FLUSH_SECONDS)
        hooks.reach("kafka.produce:middle")
        send(sending, batch.part(half, batch.rows - half))
        hooks.reach("kafka.produce:after")

    Sending.send = halved  # type: ignore[method-assign,assignment]  # this is the hook
