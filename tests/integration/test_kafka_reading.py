"""A topic's owner is its cluster, however the cluster's address is written."""

from typing import Any

import pytest

from shared.destinations.kafka.reading import TopicReader
from tests.fakes.examples import KAFKA

pytestmark = pytest.mark.emulator


def test_a_cluster_is_the_same_by_each_of_its_addresses(kafka_bootstrap: str) -> None:
    _host, _, port = kafka_bootstrap.rpartition(":")

    def owner(address: str) -> str:
        properties: dict[str, Any] = {"bootstrap.servers": address}
        return TopicReader(lambda *_: properties).owner_of("acme", KAFKA)

    found = owner(f"localhost:{port}")
    assert found.startswith("cluster ")
    assert found not in {"cluster ", "cluster None"}
    assert owner(f"127.0.0.1:{port}") == found
