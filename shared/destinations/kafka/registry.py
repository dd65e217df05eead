"""Schema registries with Confluent's protocol: one registration for each job and destination.

The request registers a schema, or returns the id that the same schema has in the subject already. Therefore
the id needs no record of its own: every process asks once for each job, and all receive the same id.
"""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import quote

from shared.destinations.credentials import basic_login, secret_fields, secret_text
from shared.destinations.kafka.names import topic_name, topic_of
from shared.destinations.printable import printable
from shared.destinations.surroundings import Secrets
from shared.destinations.webhook.connections import Answer, Connections
from shared.domain.avro import Schema, schema_of
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery

_SECONDS: Final = 10.0
_MOST_BYTES: Final = 65_536  # of an answer
_SHOWN: Final = 500  # characters of a registry's own message
_KEPT: Final = 256
_LARGEST_ID: Final = 2**31 - 1
_TYPE: Final = "application/vnd.schemaregistry.v1+json"
_LOGIN: Final = ("username", "password")
_UNAUTHORIZED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})

Asked = Literal["default"] | Mapping[str, Any]
"""The field ``registry`` of a destination's format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRegistry:
    """The registry of the service's operator. ``url``: empty if there is none. ``login``: empty or complete.

    ``connections``: also for a private address, because the operator chose it.
    """

    url: str
    login: Mapping[str, str]
    connections: Connections


@dataclass(frozen=True, slots=True)
class _Registry:
    """``name``: at the beginning of a sentence; ``denied``: what to do if it denies the registration."""

    name: str
    url: str
    login: Mapping[str, str]
    connections: Connections
    denied: str


class Registrations:
    """The schemas of jobs' rows and their ids; safe for several threads.

    ``connections``: for clients' registries.
    """

    def __init__(self, connections: Connections, own: OwnRegistry, secrets: Secrets) -> None:
        self._connections = connections
        self._own = own
        self._secrets = secrets
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
        found = _registered(self._registry(delivery, asked), _subject(delivery, asked), schema)
        with self._lock:
            self._ids[job] = found
            while len(self._ids) > _KEPT:
                self._ids.pop(next(iter(self._ids)))
        return schema, found

    def _registry(self, delivery: ChunkDelivery, asked: Asked) -> _Registry:
        if isinstance(asked, str):
            return self._operators(delivery)
        name = asked.get("credentials")
        if name is None:
            denied = "Name a secret with username and password as credentials of the destination's registry"
            return _Registry("The schema registry", asked["url"], {}, self._connections, denied)
        login = secret_fields(secret_text(self._secrets, delivery, name), name, (_LOGIN,))
        denied = f"Check username and password in the secret {name}, and what they are allowed to do"
        return _Registry("The schema registry", asked["url"], login, self._connections, denied)

    def _operators(self, delivery: ChunkDelivery) -> _Registry:
        own = self._own
        if not own.url:
            raise DestinationRefused(
                f"{delivery.destination} asks for this service's own schema registry, and there is none: give"
                " the url of yours"
            )
        denied = "Have the service's operator check SCHEMA_REGISTRY_CREDENTIALS"
        return _Registry("The service's schema registry", own.url, own.login, own.connections, denied)


def _subject(delivery: ChunkDelivery, asked: Asked) -> str:
    """Return the topic's subject. In the operator's registry, it begins with the organization: a client names
    topics of other clusters freely, and must not reach another organization's subject by such a name.
    """
    topic: str = topic_of(delivery)
    if isinstance(asked, str) and "topic" in delivery.destination.options:
        topic = topic_name(delivery.organization_id, topic)
    return f"{topic}-value"


def _registered(registry: _Registry, subject: str, schema: Schema) -> int:
    url = f"{registry.url.rstrip('/')}/subjects/{quote(subject, safe='')}/versions"
    body = json.dumps({"schema": json.dumps(schema, separators=(",", ":"))}).encode()
    headers = {"Content-Type": _TYPE, "Accept": f"{_TYPE}, application/json"}
    if registry.login:
        headers["Authorization"] = f"Basic {basic_login(**registry.login)}"
    answer = registry.connections.post(url, body, headers, _SECONDS, most=_MOST_BYTES)
    if answer.status == HTTPStatus.OK and _is_cut(answer):
        raise Unavailable("the schema registry", detail="its answer ended in the middle")
    answer = _without_secrets(answer, registry.login)
    if answer.status != HTTPStatus.OK:
        raise _meaning(answer, registry, subject)
    return _id(answer, registry)


def _without_secrets(answer: Answer, login: Mapping[str, str]) -> Answer:
    """Return the answer of a server that may repeat what it was sent, fit for the job's error and the log."""
    text = answer.excerpt
    for secret in (basic_login(**login), login["password"]) if login else ():
        if secret:
            text = text.replace(secret.encode(), b"***")
    return replace(answer, excerpt=text)


def _id(answer: Answer, registry: _Registry) -> int:
    try:
        found = json.loads(answer.excerpt)["id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        found = None
    if type(found) is not int or not 0 < found <= _LARGEST_ID:
        raise DestinationRefused(
            f"{registry.name} does not answer with a schema's id: check that its url is the root of"
            " Confluent's API",
            detail=_shown(answer),
        )
    return found


def _is_cut(answer: Answer) -> bool:
    told = answer.headers.get("Content-Length", "")
    expected = min(int(told), _MOST_BYTES) if re.fullmatch(r"[0-9]{1,9}", told) else 1
    return len(answer.excerpt) < max(1, expected)


def _meaning(answer: Answer, registry: _Registry, subject: str) -> BackfillError:
    status, detail = answer.status, _shown(answer)
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable("the schema registry", detail=detail)
    if status in _UNAUTHORIZED:
        return DestinationRefused(
            f"{registry.name} does not allow to register a schema for {subject} (it answered {status})."
            f" {registry.denied}",
            detail=detail,
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return DestinationRefused(
            f"{registry.name} answered {status}: redirects are not followed", detail=detail
        )
    return DestinationRefused(
        f"{registry.name} refuses the schema of these rows for {subject} (it answered {status}):"
        f" {_reason(answer)}",
        detail=detail,
    )


def _reason(answer: Answer) -> str:
    """Return the registry's own message, or the beginning of its answer."""
    try:
        found = json.loads(answer.excerpt)["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        found = None
    text = found if isinstance(found, str) else answer.excerpt.decode("ascii", "replace")
    return printable(text, _SHOWN) or "without a message"


def _shown(answer: Answer) -> str:
    return f"{answer.status}: {printable(answer.excerpt.decode('ascii', 'replace'))}"
