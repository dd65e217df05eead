"""What Kafka's errors mean for a chunk on its way to a topic."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException

from shared.domain.errors import BackfillError, Busy, DestinationRefused, Unavailable

_FENCED = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - the public name of librdkafka's own error codes
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.TRANSACTION_COORDINATOR_FENCED,
    }
)
_FORBIDDEN = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
_NO_TRANSACTIONS = {
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: (
        "does not let this service use transactional ids that begin with beam.: grant it Write and Describe"
        " on them"
    ),
    KafkaError.GROUP_AUTHORIZATION_FAILED: (
        "does not let this service keep the offsets of groups that begin with beam., which tell what was"
        " committed: grant it Read on them"
    ),
    KafkaError._UNSUPPORTED_FEATURE: "has no transactions: use another cluster",  # noqa: SLF001 - as above
    KafkaError.UNSUPPORTED_VERSION: "has no transactions: use another cluster",
    KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT: "takes no transactions for the topic: change its format",
}
_TOO_LARGE = frozenset(
    {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE, KafkaError.INVALID_MSG_SIZE}
)
_REJECTED = frozenset({KafkaError.INVALID_RECORD, KafkaError.POLICY_VIOLATION, KafkaError.TOPIC_EXCEPTION})
_MISSING = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - as above
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - as above
    }
)


class BatchRefused(DestinationRefused):
    """A batch that is larger than its topic takes, though each of its rows may fit."""

    def __init__(self, topic: str, detail: str) -> None:
        super().__init__(
            f"Kafka topic {topic} refuses what this service sends as too large. The service's operator needs"
            " to grant it DescribeConfigs on the topic, or to raise the topic's max.message.bytes",
            detail=detail,
        )


@contextmanager
def speaking_of(topic: str) -> Iterator[None]:
    """Raise in our own terms what the client raises."""
    try:
        yield
    except KafkaException as error:
        raise meaning(error.args[0], topic) from error


def is_too_large(error: KafkaError) -> bool:
    return error.code() in _TOO_LARGE


def is_missing(error: KafkaError) -> bool:
    """Whether a topic is not known, which is also so while a new one spreads."""
    return error.code() in _MISSING


def meaning(error: KafkaError, topic: str) -> BackfillError:
    """Tell what to do about an error.

    Whatever is not known to be permanent is taken to pass: attempts are limited, and the last one fails
    the job. So is a missing topic: the next try looks for it, with patience, before it sends anything.
    """
    code, detail = error.code(), f"{error.name()}: {error.str()}"
    if code in _FENCED:
        return Busy(f"somebody newer is sending this chunk to {topic}", detail=detail)
    if is_too_large(error):
        return BatchRefused(topic, detail)
    if reason := _NO_TRANSACTIONS.get(code):
        return DestinationRefused(
            f"Kafka, asked to write to topic {topic} exactly once, {reason}, or ask for the delivery"
            " at_least_once",
            detail=detail,
        )
    if code in _FORBIDDEN:
        return DestinationRefused(
            f"Kafka does not let this service write to topic {topic}: grant it Write, and Read where it is to"
            " write exactly once",
            detail=detail,
        )
    if code in _REJECTED:
        return DestinationRefused(f"Kafka topic {topic} does not accept these rows", detail=detail)
    return Unavailable("Kafka", detail=detail)
