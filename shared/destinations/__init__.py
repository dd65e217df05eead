"""The kinds of destination. A folder here holds all of one kind; this list is all that names it elsewhere."""

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
    """The destination of these fields: ``type``, ``name``, ``uid``, ``delivery`` and its kind's options.

    What was not given is None, or is not there.
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
    """The fields that ``destination`` takes, of which those not given are left out."""
    common = {name: getattr(one, name) for name in _COMMON}
    return {name: value for name, value in {**common, **one.options}.items() if value is not None}
