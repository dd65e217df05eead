"""Names of an external cluster's servers that do not resolve."""

import socket
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import pytest

from shared.destinations import destination
from shared.destinations.external_kafka.clusters import Cluster
from shared.destinations.external_kafka.properties import Connections
from shared.destinations.guard import Guard, system_connect
from shared.destinations.kafka.settings import KafkaLimits
from shared.domain.errors import DestinationRefused, Unavailable
from tests.fakes.sending import delivery_to

GONE = "gone.example.com"
NAMES = {"one.example.com": "8.8.8.8", "two.example.com": "8.8.4.4", "inside.example.com": "10.0.0.1"}


def guard(names: Mapping[str, str] = NAMES) -> Guard:
    def resolve(host: str, _port: int) -> Sequence[str]:
        if host not in names:
            raise socket.gaierror(host)
        return [names[host]]

    return Guard(resolve, system_connect, insecure=False)


def servers(given: str) -> str:
    """Return the servers that librdkafka gets."""
    options = {"bootstrap_servers": given, "topic": "rows", "security_protocol": "SSL"}
    delivery = delivery_to(destination(type="external_kafka", name="theirs", uid="uid", **options), 1)
    connections = Connections(guard(), lambda _organization, _name: b"", most_bytes=1_000)
    return str(connections.of(delivery)["bootstrap.servers"])


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (
            f"{GONE}:9092,one.example.com:9092,two.example.com:9093",
            "one.example.com:9092,two.example.com:9093",
        ),
        (f"two.example.com:9093,{GONE}:9092", "two.example.com:9093"),
    ],
)
def test_a_server_whose_name_does_not_resolve_is_left_out(given: str, left: str) -> None:
    assert servers(given) == left


def test_without_any_name_that_resolves_the_chunk_waits() -> None:
    with pytest.raises(Unavailable, match="the name of the Kafka server's host"):
        servers(f"{GONE}:9092,other.{GONE}:9092")


@pytest.mark.parametrize("others", ["one.example.com:9092", f"{GONE}:9092"])
def test_one_private_address_refuses_all(others: str) -> None:
    with pytest.raises(DestinationRefused, match="does not have a public address"):
        servers(f"{others},inside.example.com:9092")


def test_an_advertised_name_that_does_not_resolve_is_not_admitted_until_it_is_public() -> None:
    """The client looks it up by itself, whenever it likes."""
    names = dict(NAMES)
    cluster = Cluster(
        {"bootstrap.servers": "127.0.0.1:1", "log_level": 0},
        guard(names),
        monotonic=lambda: 0.0,
        limits=KafkaLimits(least=0.0),
    )
    brokers = {
        1: SimpleNamespace(host="one.example.com", port=9092),
        2: SimpleNamespace(host=GONE, port=9092),
    }
    metadata = SimpleNamespace(brokers=brokers)
    with pytest.raises(Unavailable, match="that a broker of the Kafka cluster advertises"):
        cluster._admit(metadata)
    names[GONE] = "10.0.0.1"
    with pytest.raises(DestinationRefused, match="advertises does not have a public address"):
        cluster._admit(metadata)
    names[GONE] = "8.8.8.8"
    cluster._admit(metadata)
