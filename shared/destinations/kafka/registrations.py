"""The ids of jobs' schemas: one registration for each job and destination.

The request registers a schema, or returns the id that the same schema has in the subject already. Therefore
the id needs no record of its own: every process asks once for each job, and all receive the same id.
"""

import threading
from http import HTTPStatus
from typing import Final

from shared.destinations.kafka.registry import (
    Asked,
    Registries,
    Registry,
    content,
    subject_of,
    subject_path,
)
from shared.destinations.webhook.connections import Answer
from shared.domain.avro import Schema, schema_of
from shared.steps.sending import ChunkDelivery

_SECONDS: Final = 10.0
_KEPT: Final = 256
_LARGEST_ID: Final = 2**31 - 1


class Registrations:
    """The schemas of jobs' rows and their ids; safe for several threads."""

    def __init__(self, registries: Registries) -> None:
        self._registries = registries
        self._ids: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def of(self, delivery: ChunkDelivery, asked: Asked) -> tuple[Schema, int]:
        """Return the schema of the delivery's rows and its id.

        Raises DestinationRefused if the registry refuses the schema, the credentials or the request, and
        Unavailable if it does not answer or is in trouble.
        """
        schema = schema_of(delivery.table, delivery.columns)
        # A job's columns can change between attempts.
        job = delivery.organization_id, delivery.job_id, delivery.attempt_id, delivery.destination.uid
        with self._lock:
            known = self._ids.get(job)
        if known is not None:
            return schema, known
        found = _registered(self._registries.of(delivery, asked), subject_of(delivery, asked), schema)
        with self._lock:
            self._ids[job] = found
            while len(self._ids) > _KEPT:
                self._ids.pop(next(iter(self._ids)))
        return schema, found


def _registered(registry: Registry, subject: str, schema: Schema) -> int:
    answer = registry.post(f"{subject_path(subject)}/versions", schema, _SECONDS)
    if answer.status != HTTPStatus.OK:
        raise registry.meaning(answer, subject, "register")
    return _id(answer, registry)


def _id(answer: Answer, registry: Registry) -> int:
    found = content(answer).get("id")
    if type(found) is not int or not 0 < found <= _LARGEST_ID:
        raise registry.is_none(answer, "a schema's id")
    return found
