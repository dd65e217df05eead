"""Topics on the broker itself: check, create and delete them. Their owners are recorded elsewhere."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import TopicMetadata
from confluent_kafka.cimpl import NewTopic

from shared.destinations.kafka.names import topic_name
from shared.domain.destination import Destination
from shared.domain.errors import BackfillError, Busy, DestinationRefused, Unavailable

_MISSING = KafkaError.UNKNOWN_TOPIC_OR_PART
_PAUSE = 0.1  # seconds between two checks
_REFUSED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.INVALID_PARTITIONS,
        KafkaError.INVALID_CONFIG,
        KafkaError.POLICY_VIOLATION,
        KafkaError.TOPIC_DELETION_DISABLED,
    }
)


class KafkaTopics:
    """Creates topics with the same settings: ``replication`` -1 is the broker's default, ``config`` the
    topic's own.

    ``timeout``: seconds for each call, including the wait until a change is visible.
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        *,
        partitions: int,
        replication: int,
        config: Mapping[str, str],
        timeout: float,
        monotonic: Callable[[], float],
    ) -> None:
        # Otherwise a query for a topic would create it, if the broker allows that.
        self._admin = AdminClient({**client, "allow.auto.create.topics": False})
        self._partitions = partitions
        self._replication = replication
        self._config = dict(config)
        self._timeout = timeout
        self._monotonic = monotonic

    def name_of(self, organization_id: str, destination: Destination) -> str:
        return topic_name(organization_id, destination.name)

    def exists(self, topic: str) -> bool:
        return self._describe(topic) is not None

    def create(self, topic: str) -> bool:
        """Create the topic if necessary, and wait until it accepts messages. Return True if it is new."""
        new = NewTopic(topic, self._partitions, self._replication, config=self._config)
        created = self._carry_out(
            topic,
            self._admin.create_topics([new], request_timeout=self._timeout)[topic],
            KafkaError.TOPIC_ALREADY_EXISTS,
        )
        self._wait_until(topic, self._is_ready)
        return created

    def delete(self, topic: str, until: float = math.inf) -> None:
        """Delete the topic if it exists, and wait until it is gone.

        After ``until``, in monotonic seconds, raise Busy and do not call the broker.
        """
        if self._monotonic() > until:
            raise Busy(f"the time to remove Kafka topic {topic} was over")
        # Without this timeout, the library could send the request long after its caller has given up, when an
        # unavailable broker comes back.
        change = self._admin.delete_topics([topic], request_timeout=self._timeout)[topic]
        self._carry_out(topic, change, _MISSING)
        # Wait also if an earlier call, whose answer was lost, deleted it: not every broker may know yet.
        self._wait_until(topic, self._is_gone)

    def _is_ready(self, found: TopicMetadata | None) -> bool:
        return found is not None and all(part.leader >= 0 for part in found.partitions.values())

    def _is_gone(self, found: TopicMetadata | None) -> bool:
        return found is None

    def _carry_out(self, topic: str, change: Any, settled: int) -> bool:
        """Wait for the change. Return False if the error ``settled`` says that there was nothing to
        change.
        """
        try:
            change.result(self._timeout)
        except KafkaException as error:
            if error.args[0].code() == settled:
                return False
            raise _meaning(error.args[0], topic) from error
        except TimeoutError as error:
            raise Unavailable("Kafka", detail="no answer to a change of topics") from error
        return True

    def _describe(self, topic: str) -> TopicMetadata | None:
        try:
            found = self._admin.list_topics(topic, timeout=self._timeout).topics[topic]
        except KafkaException as error:
            raise _meaning(error.args[0], topic) from error
        if found.error is None or found.error.code() == KafkaError.LEADER_NOT_AVAILABLE:
            return found
        if found.error.code() == _MISSING:
            return None
        raise _meaning(found.error, topic)

    def _wait_until(self, topic: str, settled: Callable[[TopicMetadata | None], bool]) -> None:
        until = self._monotonic() + self._timeout
        while not settled(self._describe(topic)):
            if self._monotonic() > until:
                raise Busy(f"the change of Kafka topic {topic} has not spread yet")
            self._admin.poll(_PAUSE)


def _meaning(error: KafkaError, topic: str) -> BackfillError:
    detail = f"{error.name()}: {error.str()}"
    if error.code() == KafkaError.TOPIC_EXCEPTION:
        return DestinationRefused(
            f"Kafka refuses the name of topic {topic}: two topic names must not differ only in full stops "
            "and underscores. Give the destination another name",
            detail=detail,
        )
    if error.code() in _REFUSED:
        return DestinationRefused(
            f"Kafka does not allow this service to manage its topic {topic}. Ask the operator to check the "
            "service's permissions, and the configured partitions and replicas",
            detail=detail,
        )
    return Unavailable("Kafka", detail=detail)
