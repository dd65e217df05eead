"""Buckets of Google Cloud Storage, which get an object for each chunk."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.destination import Traits
from shared.destinations.kind import Kind
from shared.destinations.surroundings import Surroundings
from shared.steps.sending import Sink

if TYPE_CHECKING:
    from shared.destinations.spec import Spec

_BATCH_ROWS = 2_000  # of the lines that are encoded at once


def _traits(_delivery: str | None, _options: Mapping[str, Any]) -> Traits:
    return Traits(undivided=True, asks_to_wait=True, batch_rows=_BATCH_ROWS)


def _spec() -> "type[Spec]":
    from shared.destinations.gcs.spec import GcsDestination

    return GcsDestination


def _sink(surroundings: Surroundings) -> Sink:
    from google.cloud.storage import Client

    from shared.destinations.gcs.sink import GcsSink

    settings = surroundings.settings
    return GcsSink(
        Client(project=settings.project), staging_bucket=settings.staging_bucket, least=surroundings.least
    )


GCS = Kind(name="gcs", traits=_traits, spec=_spec, sink=_sink)
