"""Whether a topic is there, asked before its rows are sent and before they are committed."""

from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Producer

from shared.destinations.kafka.errors import is_missing, meaning
from shared.destinations.kafka.sending import WAIT
from shared.destinations.kafka.settings import KafkaLimits
from shared.errors import BackfillError, DestinationRefused, Unavailable
from shared.steps.sending import Pulse

_CALL = 1.0  # seconds in one blocking call, so that a cancel is noticed between two


def require_topic(
    producer: Producer,
    topic: str,
    pulse: Pulse,
    *,
    limits: KafkaLimits,
    monotonic: Callable[[], float],
) -> None:
    """DestinationRefused if the topic stays missing while the job goes on.

    The pulse comes first: a topic that was removed because its job ended is no failure. A new topic takes
    a moment to be known everywhere, and a broker out of reach another to come back.
    """
    began = monotonic()
    while (error := _error_of(topic, producer)) is not None:
        pulse.check()
        problem = _problem(error, topic)
        patience = limits.topic if is_missing(error) else limits.step
        passing = is_missing(error) or isinstance(problem, Unavailable)
        if not passing or monotonic() - began > patience:
            raise problem
        producer.poll(WAIT)
    pulse.check()


def _error_of(topic: str, producer: Producer) -> KafkaError | None:
    try:
        error: KafkaError | None = producer.list_topics(topic, timeout=_CALL).topics[topic].error
    except KafkaException as unreachable:
        error = unreachable.args[0]
    return error


def _problem(error: KafkaError, topic: str) -> BackfillError:
    if is_missing(error):
        return DestinationRefused(f"Kafka topic {topic} does not exist any more", detail=error.str())
    return meaning(error, topic)
