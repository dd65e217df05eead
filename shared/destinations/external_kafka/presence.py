"""Checks whether a client's cluster would accept rows, before a job is created."""

from shared.destinations.external_kafka.clusters import Clusters
from shared.destinations.kafka.names import topic_of
from shared.destinations.kafka.settling import Unwatched
from shared.destinations.kind import Presence
from shared.domain.errors import RetryLater, Unavailable
from shared.steps.sending import ChunkDelivery


class ExternalPresence:
    """Implements Presence: the cluster accepts the credentials, all brokers are public, the topic exists, and
    the ``registry`` would take the schema.
    """

    def __init__(self, clusters: Clusters, registry: Presence) -> None:
        self._clusters = clusters
        self._registry = registry

    def require(self, delivery: ChunkDelivery, until: float) -> None:
        """Check what the sink requires, except for permissions, which only a write can show."""
        try:
            self._require_topic(delivery, until)
        except RetryLater:
            # What is wrong with the registry is worth knowing even if the cluster does not answer.
            self._registry.require(delivery, until)
            raise
        self._registry.require(delivery, until)

    def _require_topic(self, delivery: ChunkDelivery, until: float) -> None:
        pulse = _Until(until, self._clusters)
        self._clusters.of(delivery).require(delivery, topic_of(delivery), pulse)


class _Until(Unwatched):
    def __init__(self, until: float, clusters: Clusters) -> None:
        self._until = until
        self._clusters = clusters

    def check(self) -> None:
        if self._clusters.monotonic() > self._until:
            raise Unavailable("the Kafka cluster", detail="no answer in time")
