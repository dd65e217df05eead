"""Finds out whether a client's cluster has a chunk of an ended or paused job."""

from shared.destinations.external_kafka.clusters import Clusters
from shared.destinations.kafka.names import topic_of
from shared.destinations.kafka.settling import SettledMarkers, Unwatched
from shared.steps.sending import ChunkDelivery

_SECONDS = 15.0


class ExternalMarkers:
    """Implements Markers. DestinationRefused and Unavailable may mean that the owner revoked our access."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    def committed(self, delivery: ChunkDelivery) -> bool:
        cluster = self._clusters.of(delivery)
        cluster.require(delivery, topic_of(delivery), Unwatched())
        settled = SettledMarkers(cluster.properties, timeout=_SECONDS, monotonic=self._clusters.monotonic)
        return settled.committed(delivery)
