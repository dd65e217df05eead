"""The sink of external clusters: the Kafka sink with the client's connection properties."""

from shared.destinations.external_kafka.clusters import Clusters
from shared.destinations.kafka.names import topic_of
from shared.steps.sending import ChunkDelivery, Pulse, Rows


class ExternalKafkaSink:
    """Implements Sink; ``least``: the seconds of the handler's time that a delivery needs to begin."""

    def __init__(self, clusters: Clusters, *, least: float) -> None:
        self._clusters = clusters
        self._least = least

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Check the cluster, its brokers and its topic, then deliver like KafkaSink."""
        pulse.check()
        if pulse.seconds_left() < self._least:
            return False
        cluster = self._clusters.of(delivery)
        cluster.require(delivery, topic_of(delivery), pulse)
        return cluster.sink.deliver(delivery, rows, pulse)
