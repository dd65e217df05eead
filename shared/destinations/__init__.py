"""The kinds of destination. Each folder holds one whole kind. Only this list names the kinds elsewhere."""

from collections.abc import Mapping
from typing import Any, Final

from shared.destinations.external_kafka import EXTERNAL_KAFKA
from shared.destinations.gcs import GCS
from shared.destinations.kafka import KAFKA
from shared.destinations.kind import Kind
from shared.destinations.nats import NATS
from shared.destinations.pubsub import PUBSUB
from shared.destinations.sns import SNS
from shared.destinations.webhook import WEBHOOK
from shared.domain.destination import Destination

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind for kind in (KAFKA, EXTERNAL_KAFKA, WEBHOOK, GCS, PUBSUB, SNS, NATS)
}

_COMMON = ("type", "name", "uid", "delivery")


def destination(**fields: Any) -> Destination:
    """Return the destination with these fields: ``type``, ``name``, ``uid``, ``delivery`` and its options.

    A field that the client did not give is None or missing.
    """
    options = {name: value for name, value in fields.items() if name not in _COMMON and value is not None}
    delivery = fields.get("delivery")
    return Destination(
        type=fields["type"],
        name=fields["name"],
        uid=fields["uid"],
        delivery=delivery,
        options=options,
        traits=KINDS[fields["type"]].traits(delivery, options),
    )


def fields_of(one: Destination) -> dict[str, Any]:
    """Return the fields for ``destination``, without those that the client did not give."""
    common = {name: getattr(one, name) for name in _COMMON}
    return {name: value for name, value in {**common, **one.options}.items() if value is not None}
