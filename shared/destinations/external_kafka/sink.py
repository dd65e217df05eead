"""The sink of external clusters: the Kafka sink, over a connection of the client's."""

from shared.destinations.external_kafka.clusters import Clusters
from shared.destinations.kafka.names import topic_of
from shared.steps.sending import ChunkDelivery, Pulse, Rows


class ExternalKafkaSink:
    """Fulfils Sink; ``least``: with less of the handler's time, in seconds, no delivery begins."""

    def __init__(self, clusters: Clusters, *, least: float) -> None:
        self._clusters = clusters
        self._least = least

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """As KafkaSink, once the cluster, its brokers and its topic are found to be fit."""
        pulse.check()
        if pulse.seconds_left() < self._least:
            return False
        cluster = self._clusters.of(delivery)
        cluster.require(delivery, topic_of(delivery), pulse)
        return cluster.sink.deliver(delivery, rows, pulse)
