"""Checks of the operator's own schema registry, with the client and the credentials of deliveries."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from shared.destinations.kafka import operators_registry
from shared.destinations.kafka.registry import Registry, shown
from shared.destinations.webhook.connections import Answer
from shared.operator.doctor.checks import Check, NotAsked, Verdict, ok, wrong
from shared.operator.doctor.google import SECONDS
from shared.operator.doctor.once import once
from shared.operator.doctor.world import World

_PLACE: Final = "schema_registry_url in environments/$ENVIRONMENT.tfvars, the root of Confluent's API"
_ADD: Final = "gcloud secrets versions add backfills-registry --data-file=registry.json"
_MOST_BYTES: Final = 16 * 1024 * 1024
_DENIED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class SchemaRegistry:
    def __init__(self, world: World) -> None:
        self._world = world

    def checks(self) -> Sequence[Check]:
        answers = Check("registry.answers", "Does the schema registry answer?", self._answers, _PLACE)
        if not self._world.schema_registry:
            return (answers,)
        return (
            answers,
            Check("registry.credentials", "Does it accept the credentials?", self._credentials, _ADD),
            Check("registry.subjects", "Can its subjects be listed?", self._subjects, _PLACE),
        )

    @once
    def _answer(self) -> Answer:
        """Return the answer to a list of subjects. Raises Unavailable without one."""
        url, login = self._world.schema_registry, self._world.schema_registry_login
        registry: Registry = operators_registry(url, login).opened()
        return registry.get("/subjects", SECONDS, most=_MOST_BYTES)

    def _answers(self) -> Verdict:
        if not self._world.schema_registry:
            return ok("none is configured: destinations in Avro give their own")
        if self._answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return wrong(f"it answers {shown(self._answer)}")
        return ok(self._world.schema_registry)

    def _credentials(self) -> Verdict:
        self._require_sound()
        given = bool(self._world.schema_registry_login)
        if self._answer.status in _DENIED:
            refused = "it does not accept them" if given else "it asks for some, and none are configured"
            return wrong(f"{refused}: {shown(self._answer)}")
        return ok("accepted" if given else "it asks for none")

    def _subjects(self) -> Verdict:
        self._require_sound()
        if self._answer.status in _DENIED:
            raise NotAsked("registry.credentials explains why")
        try:
            found = json.loads(self._answer.excerpt) if self._answer.status == HTTPStatus.OK else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list):
            return wrong(f"it does not answer with a list of subjects: {shown(self._answer)}")
        return ok(f"{len(found)} of them")

    def _require_sound(self) -> None:
        if self._answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NotAsked("registry.answers explains why")
