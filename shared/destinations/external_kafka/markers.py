"""What a client's cluster has of a chunk that nobody will send any more."""

from shared.destinations.external_kafka.clusters import Clusters
from shared.destinations.kafka.names import topic_of
from shared.destinations.kafka.settling import SettledMarkers, Unwatched
from shared.steps.sending import ChunkDelivery

_SECONDS = 15.0


class ExternalMarkers:
    """Fulfils Markers. DestinationRefused and Unavailable also where the cluster's owner shut us out."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    def committed(self, delivery: ChunkDelivery) -> bool:
        cluster = self._clusters.of(delivery)
        cluster.require(delivery, topic_of(delivery), Unwatched())
        settled = SettledMarkers(cluster.properties, timeout=_SECONDS, monotonic=self._clusters.monotonic)
        return settled.committed(delivery)
