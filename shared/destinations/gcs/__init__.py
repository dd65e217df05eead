"""Buckets of Google Cloud Storage: one object per chunk."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.destinations.kind import Kind
from shared.destinations.surroundings import Surroundings
from shared.domain.destination import Traits
from shared.steps.sending import Sink

if TYPE_CHECKING:
    from shared.destinations.spec import Spec


def _traits(_delivery: str | None, _options: Mapping[str, Any]) -> Traits:
    return Traits(undivided=True)


def _spec() -> "type[Spec]":
    from shared.destinations.gcs.spec import GcsDestination

    return GcsDestination


def _sink(surroundings: Surroundings) -> Sink:
    from google.cloud.storage import Client

    from shared.destinations.gcs.sink import GcsSink

    settings = surroundings.settings
    return GcsSink(
        Client(project=settings.project),
        settings.staging_bucket,
        surroundings.staged_files(),
        least=surroundings.least,
    )


GCS = Kind(name="gcs", traits=_traits, spec=_spec, sink=_sink)
