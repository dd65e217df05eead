"""Checks whether a registry would take the schema of rows in Avro, before a job is created."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from shared.destinations.kafka.forms import wants_avro
from shared.destinations.kafka.registry import (
    Registries,
    Registry,
    content,
    readable,
    subject_of,
    subject_path,
)
from shared.destinations.kind import WouldWait
from shared.domain.avro import Schema, schema_of
from shared.domain.errors import DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery

_SECONDS: Final = 5.0  # for both requests
_NO_VERSION: Final = (40401, 40402)  # Confluent's codes: no such subject, no such version


class RegistryPresence:
    """Implements Presence: the registry answers, and would register the schema. Nothing is registered."""

    def __init__(self, registries: Registries, monotonic: Callable[[], float]) -> None:
        self._registries = registries
        self._monotonic = monotonic

    def require(self, delivery: ChunkDelivery, until: float) -> None:
        """Accept whatever is not sent in Avro. ``delivery`` has the table and the columns of the rows."""
        if not wants_avro(delivery.destination):
            return
        asked = delivery.destination.options["format"]["registry"]
        schema = schema_of(delivery.table, delivery.columns)
        registry = self._registries.of(delivery, asked)
        until = min(until, self._monotonic() + _SECONDS)
        try:
            self._require(registry, subject_of(delivery, asked), schema, until)
        except Unavailable as error:
            raise WouldWait(
                f"{error.message}. A job would wait for it, unless only deliveries may reach it",
                detail=error.detail,
            ) from error

    def _require(self, registry: Registry, subject: str, schema: Schema, until: float) -> None:
        # Confluent's own registry gives its reasons only with ``verbose``.
        path = f"/compatibility{subject_path(subject)}/versions/latest?verbose=true"
        answer = registry.post(path, schema, self._seconds(until))
        found = content(answer)
        if answer.status == HTTPStatus.NOT_FOUND:
            # Without a subject, any schema is its first.
            if found.get("error_code") in _NO_VERSION:
                return
            raise registry.is_none(answer, "what it has of the subject")
        if answer.status != HTTPStatus.OK:
            raise registry.meaning(answer, subject, "check")
        if type(found.get("is_compatible")) is not bool:
            raise registry.is_none(answer, "whether the schema is compatible")
        if not found["is_compatible"] and not self._has(registry, subject, schema, until):
            raise DestinationRefused(
                f"{registry.name} would refuse the schema of these rows, which is not compatible with the"
                f" latest one of {subject}: {_reasons(found.get('messages'))}"
            )

    def _has(self, registry: Registry, subject: str, schema: Schema, until: float) -> bool:
        """Return whether an earlier version is the same schema: a registration would return its id."""
        return registry.post(subject_path(subject), schema, self._seconds(until)).status == HTTPStatus.OK

    def _seconds(self, until: float) -> float:
        if (left := until - self._monotonic()) <= 0:
            raise Unavailable("the schema registry", detail="no answer in time")
        return left


def _reasons(found: Any) -> str:
    listed = found if isinstance(found, list) else []
    return readable("; ".join(one for one in listed if isinstance(one, str)))
