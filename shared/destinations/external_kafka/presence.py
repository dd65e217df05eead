"""Whether a client's cluster would take rows, asked before a job is created."""

from shared.destinations.external_kafka.clusters import Clusters
from shared.destinations.kafka.names import topic_of
from shared.destinations.kafka.settling import Unwatched
from shared.domain.errors import Unavailable
from shared.steps.sending import ChunkDelivery


class ExternalPresence:
    """Fulfils Presence: the credentials are taken, the brokers are public, and the topic exists."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    def require(self, delivery: ChunkDelivery, until: float) -> None:
        """As the sink requires it. Rights are not looked at: only a write tells them."""
        pulse = _Until(until, self._clusters)
        self._clusters.of(delivery).require(delivery, topic_of(delivery), pulse)


class _Until(Unwatched):
    def __init__(self, until: float, clusters: Clusters) -> None:
        self._until = until
        self._clusters = clusters

    def check(self) -> None:
        if self._clusters.monotonic() > self._until:
            raise Unavailable("the Kafka cluster", detail="no answer in time")
