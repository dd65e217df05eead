"""Reads the rows of a client's topic."""

from collections.abc import Mapping
from typing import Any

from shared.destinations.external_kafka.clusters import Clusters
from shared.destinations.kafka.names import topic_of
from shared.destinations.kafka.reading import TopicReader
from shared.destinations.kafka.settling import Unwatched
from shared.domain.destination import Destination
from shared.steps.sending import without_rows


def reader(clusters: Clusters) -> TopicReader:
    """Return a reader with the destination's own credentials, for clusters with only public brokers."""

    def properties(organization_id: str, destination: Destination) -> Mapping[str, Any]:
        delivery = without_rows(organization_id, destination)
        cluster = clusters.of(delivery)
        cluster.require(delivery, topic_of(delivery), Unwatched())
        return cluster.properties

    return TopicReader(properties)
