"""The kinds of destination beside Kafka and webhooks: each job has its own place in each, which is read when
the job is at rest.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.reliability.places.place import LABELS, Endpoints, Message, Place
from tests.reliability.places.queues import PubSub, Sns
from tests.reliability.places.stored import ExternalKafka, Gcs, Nats, external_topic

__all__ = ["KINDS", "LABELLED", "LABELS", "Message", "Places", "external_topic", "without_repeats"]

LABELLED = ("nats", "pubsub", "sns")
"""Kinds whose rows may be repeated, with the labels of the first time."""
KINDS = (*LABELLED, "external_kafka", "gcs")


def without_repeats(kind: str, messages: Sequence[Message]) -> Sequence[Message]:
    """Return the messages as a reader of this kind keeps them: one of each label, if they have labels."""
    if kind not in LABELLED:
        return messages
    return list({message.label: message for message in messages}.values())


class Places:
    """``reached``: the addresses at which the functions reach NATS and SNS, if not at the servers' own."""

    def __init__(self, endpoints: Endpoints, reached: Mapping[str, str] | None = None) -> None:
        addresses = {"nats": endpoints["nats_url"], "sns": endpoints["aws"]["url"], **(reached or {})}
        self._places: dict[str, Place] = {
            "external_kafka": ExternalKafka(endpoints),
            "gcs": Gcs(endpoints),
            "nats": Nats(endpoints, addresses["nats"]),
            "pubsub": PubSub(endpoints),
            "sns": Sns(endpoints, addresses["sns"]),
        }

    def create(self, kind: str, name: str) -> dict[str, Any]:
        """Create a job's place. Return its destination."""
        return {"type": kind, "name": name, **self._places[kind].create(name)}

    def arrived(self, kind: str, name: str, wanted: int) -> Sequence[Message]:
        return self._places[kind].arrived(name, wanted)
