"""The meaning of Kafka's errors: stop, fail the job, or retry."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from shared.destinations.kafka.errors import BatchRefused, meaning, speaking_of
from shared.domain.errors import BackfillError, Busy, DestinationRefused, Unavailable

TOPIC = "beam.org123.transfers"


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        (KafkaError._FENCED, Busy, "a newer handler"),
        (KafkaError.PRODUCER_FENCED, Busy, "a newer handler"),
        (KafkaError.INVALID_PRODUCER_EPOCH, Busy, "a newer handler"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, Unavailable, "Kafka is not available"),
        (KafkaError._UNKNOWN_TOPIC, Unavailable, "Kafka is not available"),
        (
            KafkaError.MSG_SIZE_TOO_LARGE,
            BatchRefused,
            f"Kafka topic {TOPIC} refuses the service's batches as too large",
        ),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, DestinationRefused, f"write to topic {TOPIC}"),
        (KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, DestinationRefused, "does not allow"),
        (KafkaError.INVALID_TRANSACTION_TIMEOUT, DestinationRefused, "transaction.max.timeout.ms to 900000"),
        (KafkaError.INVALID_TRANSACTION_TIMEOUT, DestinationRefused, "choose the delivery at_least_once"),
        (KafkaError.INVALID_RECORD, DestinationRefused, "does not accept these rows"),
        (KafkaError._MSG_TIMED_OUT, Unavailable, "Kafka is not available"),
        (KafkaError._TRANSPORT, Unavailable, "Kafka is not available"),
        (KafkaError._ALL_BROKERS_DOWN, Unavailable, "Kafka is not available"),
        (KafkaError.NOT_ENOUGH_REPLICAS, Unavailable, "Kafka is not available"),
        (KafkaError.SASL_AUTHENTICATION_FAILED, Unavailable, "Kafka is not available"),
        (KafkaError.UNKNOWN, Unavailable, "Kafka is not available"),
    ],
)
def test_an_error_says_what_to_do(code: int, kind: type[BackfillError], says: str) -> None:
    error = meaning(KafkaError(code, "broker-7.internal said no"), TOPIC)
    assert isinstance(error, kind)
    assert says in error.message
    assert "broker-7.internal" not in error.message
    assert "broker-7.internal" in error.detail


def test_the_clients_exceptions_are_raised_in_our_own_terms() -> None:
    with pytest.raises(Busy), speaking_of(TOPIC):
        raise KafkaException(KafkaError(KafkaError._FENCED))
