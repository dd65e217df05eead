"""Topics of Google Cloud Pub/Sub, which get a message for each row."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.destination import Traits
from shared.destinations.kind import Kind
from shared.destinations.surroundings import Surroundings
from shared.steps.sending import Sink

if TYPE_CHECKING:
    from shared.destinations.spec import Spec

_BATCH_ROWS = 1_000  # as many messages as one request may carry


def _traits(_delivery: str | None, options: Mapping[str, Any]) -> Traits:
    return Traits(asks_to_wait=True, batch_rows=_BATCH_ROWS, key_column=options.get("ordering_key_column"))


def _spec() -> "type[Spec]":
    from shared.destinations.pubsub.spec import PubsubDestination

    return PubsubDestination


def _sink(surroundings: Surroundings) -> Sink:
    from google.pubsub_v1 import PublisherClient

    from shared.destinations.pubsub.sink import PubsubLimits, PubsubSink
    from shared.destinations.pubsub.topics import own_topics

    return PubsubSink(
        PublisherClient(),
        own=own_topics(surroundings.settings),
        monotonic=surroundings.monotonic,
        limits=PubsubLimits(least=surroundings.least),
    )


PUBSUB = Kind(name="pubsub", traits=_traits, spec=_spec, sink=_sink)
