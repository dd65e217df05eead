"""The check before a job's creation whether a client's cluster would accept rows."""

import time

import pytest

from infra.local import kafka_rights
from infra.local.supervisor import LocalStack
from shared.domain.errors import DestinationRefused, Unavailable
from tests.fakes.external_kafka import ExternalTopic

pytestmark = pytest.mark.emulator

SECONDS = 60.0


@pytest.fixture(scope="module")
def topic(secure_kafka: LocalStack) -> ExternalTopic:
    return ExternalTopic(secure_kafka)


def test_a_topic_that_is_there_is_fit(topic: ExternalTopic) -> None:
    topic.presence().require(topic.delivery(0), time.monotonic() + SECONDS)


def test_a_missing_topic_is_named_and_not_made(topic: ExternalTopic) -> None:
    # Without a permission on the topic, the broker does not reveal that it does not exist.
    kafka_rights.grant(topic.admin, topic.user, [("TOPIC", "exports-of-nobody", "LITERAL", "WRITE")])
    with pytest.raises(DestinationRefused, match="topic exports-of-nobody does not exist"):
        topic.presence().require(topic.delivery(0, topic="exports-of-nobody"), time.monotonic() + SECONDS)
    assert "exports-of-nobody" not in topic.admin.list_topics(timeout=30).topics


def test_a_password_that_is_not_taken_is_told(topic: ExternalTopic) -> None:
    with pytest.raises(DestinationRefused, match="secret LOGIN"):
        topic.presence(lambda: topic.login(password="other")).require(
            topic.delivery(0), time.monotonic() + SECONDS
        )


def test_a_cluster_that_does_not_answer_in_time_tells_nothing(topic: ExternalTopic) -> None:
    with pytest.raises(Unavailable):
        topic.presence().require(topic.delivery(0, bootstrap_servers="localhost:1"), time.monotonic() + 1.0)
