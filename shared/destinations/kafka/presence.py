"""Checks whether a topic exists, before its rows are sent and before they are committed."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from shared.destinations.kafka.errors import is_missing, meaning
from shared.destinations.kafka.sending import WAIT
from shared.destinations.kafka.settings import KafkaLimits
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable
from shared.steps.sending import Pulse

_CALL = 1.0  # seconds in one blocking call, so that a cancel is noticed between two

Admit = Callable[[Any], None]
"""Raises an error if the brokers in a cluster's metadata are not allowed."""


def admit_all(_metadata: Any) -> None:
    """Accept all brokers, because the service's operator chose them."""


def require_topic(
    client: Any,
    topic: str,
    pulse: Pulse,
    *,
    limits: KafkaLimits,
    monotonic: Callable[[], float],
    admit: Admit = admit_all,
) -> None:
    """Raise DestinationRefused if the topic stays missing while the job continues, or if ``admit`` does.

    ``client``: a producer or an administrator.

    The pulse comes first, because a topic that was removed when its job ended is no error. The function waits
    a moment, because every broker must hear of a new topic, and an unavailable broker may come back.
    """
    began = monotonic()
    while (error := _error_of(topic, client, admit)) is not None:
        pulse.check()
        problem = _problem(error, topic)
        patience = limits.topic if is_missing(error) else limits.step
        passing = is_missing(error) or isinstance(problem, Unavailable)
        if not passing or monotonic() - began > patience:
            raise problem
        client.poll(WAIT)
    pulse.check()


def _error_of(topic: str, client: Any, admit: Admit) -> KafkaError | None:
    try:
        metadata = client.list_topics(topic, timeout=_CALL)
    except KafkaException as unreachable:
        error: KafkaError = unreachable.args[0]
        return error
    admit(metadata)
    found: KafkaError | None = metadata.topics[topic].error
    return found


def _problem(error: KafkaError, topic: str) -> BackfillError:
    if is_missing(error):
        return DestinationRefused(f"Kafka topic {topic} does not exist", detail=error.str())
    return meaning(error, topic)
