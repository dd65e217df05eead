"""Topics on Apache Kafka: created, found and removed, each call harmless when repeated."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from confluent_kafka.admin import AdminClient

from shared.destinations.kafka.topics import KafkaTopics
from shared.domain.errors import Busy, DestinationRefused, Unavailable

pytestmark = pytest.mark.emulator


@dataclass(frozen=True)
class Broker:
    """A broker, with topics of a recognizable shape."""

    bootstrap: str

    def topics(self, *, partitions: int = 4, replication: int = 1, timeout: float = 60.0) -> KafkaTopics:
        return KafkaTopics(
            {"bootstrap.servers": self.bootstrap, "log_level": 0},
            partitions=partitions,
            replication=replication,
            config={"max.message.bytes": "2000000"},
            timeout=timeout,
            monotonic=time.monotonic,
        )


@pytest.fixture(scope="module")
def broker(kafka_bootstrap: str) -> Broker:
    return Broker(kafka_bootstrap)


@pytest.fixture
def name() -> str:
    return f"beam.org123.{uuid.uuid4().hex}"


def test_a_topic_is_created_once_found_and_removed(broker: Broker, name: str) -> None:
    topics = broker.topics()
    assert not topics.exists(name)
    assert topics.create(name)
    assert topics.exists(name)
    assert not topics.create(name)
    topics.delete(name)
    assert not topics.exists(name)
    topics.delete(name)


def test_it_has_the_partitions_that_were_asked_for(broker: Broker, name: str) -> None:
    topics = broker.topics(partitions=7, replication=-1)
    topics.create(name)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    assert len(admin.list_topics(name, timeout=60).topics[name].partitions) == 7
    topics.delete(name)


def test_a_topic_removed_and_created_again_is_a_new_one(broker: Broker, name: str) -> None:
    topics = broker.topics()
    for _ in range(3):
        assert topics.create(name)
        topics.delete(name)


def test_asking_about_a_topic_creates_none(broker: Broker, name: str) -> None:
    topics = broker.topics()
    assert not topics.exists(name)
    assert not topics.exists(name)


@pytest.mark.parametrize(("partitions", "replication"), [(0, 1), (1, 100)])
def test_a_shape_that_the_broker_refuses_fails_the_job(
    broker: Broker, name: str, partitions: int, replication: int
) -> None:
    with pytest.raises(DestinationRefused, match="manage its topic"):
        broker.topics(partitions=partitions, replication=replication).create(name)


def test_a_name_that_no_topic_may_have_is_refused(broker: Broker) -> None:
    topics = broker.topics()
    for call in (topics.exists, topics.create):
        with pytest.raises(DestinationRefused, match="another name"):
            call("no/topic")


def test_a_name_too_much_like_another_topics_is_refused(broker: Broker, name: str) -> None:
    topics = broker.topics()
    topics.create(f"{name}.a")
    with pytest.raises(DestinationRefused, match="another name"):
        topics.create(f"{name}_a")


class Unheard(KafkaTopics):
    """Reads a part of the cluster that does not learn of changes."""

    def _is_ready(self, _found: object) -> bool:
        return False

    def _is_gone(self, _found: object) -> bool:
        return False


@pytest.mark.parametrize("change", [KafkaTopics.create, KafkaTopics.delete])
def test_a_change_that_does_not_spread_in_time_is_waited_for_by_a_later_message(
    broker: Broker, name: str, change: Callable[[KafkaTopics, str], object]
) -> None:
    """Also a removal by an earlier call whose answer was lost: there is nothing left to remove."""
    unheard = Unheard(
        {"bootstrap.servers": broker.bootstrap, "log_level": 0},
        partitions=1,
        replication=1,
        config={},
        timeout=60.0,
        monotonic=iter([0.0, 1.0, 100.0]).__next__,
    )
    with pytest.raises(Busy, match="has not spread yet"):
        change(unheard, name)
    broker.topics().delete(name)


def test_no_broker_may_be_one_later(name: str) -> None:
    topics = Broker("127.0.0.1:1").topics(timeout=0.5)
    for call in (topics.exists, topics.create, topics.delete):
        with pytest.raises(Unavailable, match="Kafka"):
            call(name)
