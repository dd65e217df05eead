"""The clients that several functions build from the settings, once per process."""

import time
import uuid
from datetime import UTC, datetime

from google.cloud import firestore
from google.pubsub_v1 import PublisherClient

from shared.adapters.firestore_deliveries import FirestoreDeliveries
from shared.adapters.pubsub import PubSubPublisher
from shared.config import Settings

sleep = time.sleep
monotonic = time.monotonic
new_id = uuid.uuid4


def now() -> datetime:
    return datetime.now(UTC)


def firestore_client(settings: Settings) -> firestore.Client:
    return firestore.Client(project=settings.project)


def publisher(settings: Settings, timeout: float) -> PubSubPublisher:
    """Return a publisher; ``timeout`` in seconds covers all messages of one call together."""
    client = PublisherClient()
    return PubSubPublisher(
        client,
        settings.project,
        stage_topic=settings.stage_topic,
        chunks_topic=settings.chunks_topic,
        static_chunks_topic=settings.static_chunks_topic,
        timeout=timeout,
    )


def deliveries(settings: Settings, client: firestore.Client) -> FirestoreDeliveries:
    return FirestoreDeliveries(
        client, lease_length=settings.lease_length, now=now, new_holder=lambda: str(new_id())
    )
