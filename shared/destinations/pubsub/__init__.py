"""Topics of Google Cloud Pub/Sub: one message per row."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.destinations.kind import Kind
from shared.destinations.surroundings import Surroundings
from shared.domain.destination import Traits
from shared.steps.sending import Sink

if TYPE_CHECKING:
    from shared.destinations.spec import Spec

ORDERING_KEY = "ordering_key_column"


def _traits(_delivery: str | None, options: Mapping[str, Any]) -> Traits:
    return Traits(key_column=options.get(ORDERING_KEY), key_field=ORDERING_KEY)


def _spec() -> "type[Spec]":
    from shared.destinations.pubsub.spec import PubSubDestination

    return PubSubDestination


def _sink(surroundings: Surroundings) -> Sink:
    from google.pubsub_v1 import PublisherClient

    from shared.destinations.pubsub.sink import PubSubSink
    from shared.destinations.requests import RequestLimits

    settings = surroundings.settings
    own = {
        f"projects/{settings.project}/topics/{topic}"
        for topic in (settings.stage_topic, settings.chunks_topic, settings.static_chunks_topic)
    }
    return PubSubSink(
        client=PublisherClient(),
        own_topics=own,
        monotonic=surroundings.monotonic,
        sleep=surroundings.sleep,
        random=surroundings.random,
        limits=RequestLimits(least=surroundings.least),
    )


PUBSUB = Kind(name="pubsub", traits=_traits, spec=_spec, sink=_sink)
