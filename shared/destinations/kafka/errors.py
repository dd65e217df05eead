"""The meaning of Kafka's errors for the delivery of a chunk."""

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
        "does not allow this service to use transactional ids that begin with beam.: grant it Write and"
        " Describe on them"
    ),
    KafkaError.GROUP_AUTHORIZATION_FAILED: (
        "does not allow this service to commit offsets of groups that begin with beam., which record what was"
        " committed: grant it Read on them"
    ),
    KafkaError._UNSUPPORTED_FEATURE: "has no transactions: use another cluster",  # noqa: SLF001 - as above
    KafkaError.UNSUPPORTED_VERSION: "has no transactions: use another cluster",
    KafkaError.INVALID_TRANSACTION_TIMEOUT: (
        "allows only shorter transactions than a delivery may need: set the cluster's"
        " transaction.max.timeout.ms to 900000"
    ),
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
    """A batch exceeds its topic's limit, although each of its rows may fit.

    Operator: grant the service DescribeConfigs on the topic, by which it learns the limit.
    """

    def __init__(self, topic: str, detail: str) -> None:
        super().__init__(
            f"Kafka topic {topic} refuses the service's batches as too large. Have the service's operator"
            " grant it DescribeConfigs on the topic, or raise the topic's max.message.bytes",
            detail=detail,
        )


@contextmanager
def speaking_of(topic: str) -> Iterator[None]:
    """Turn the client's errors into ours."""
    try:
        yield
    except KafkaException as error:
        raise meaning(error.args[0], topic) from error


def is_too_large(error: KafkaError) -> bool:
    return error.code() in _TOO_LARGE


def is_missing(error: KafkaError) -> bool:
    """Return whether the topic is unknown. A new topic is unknown until every broker has heard of it."""
    return error.code() in _MISSING


def meaning(error: KafkaError, topic: str) -> BackfillError:
    """Return our error, which says what to do.

    Every error that is not known to be permanent counts as temporary: attempts are limited, and the last one
    fails the job. A missing topic counts as temporary, too: the next attempt waits for it before it sends.
    """
    code, detail = error.code(), f"{error.name()}: {error.str()}"
    if code in _FENCED:
        return Busy(f"a newer handler is sending this chunk to {topic}", detail=detail)
    if is_too_large(error):
        return BatchRefused(topic, detail)
    if reason := _NO_TRANSACTIONS.get(code):
        return DestinationRefused(
            f"Kafka, asked to write to topic {topic} exactly once, {reason}, or choose the delivery"
            " at_least_once",
            detail=detail,
        )
    if code in _FORBIDDEN:
        return DestinationRefused(
            f"Kafka does not allow this service to write to topic {topic}: grant it Write, and also Read for"
            " exactly_once",
            detail=detail,
        )
    if code in _REJECTED:
        return DestinationRefused(f"Kafka topic {topic} does not accept these rows", detail=detail)
    return Unavailable("Kafka", detail=detail)
