"""Schema registries with Confluent's protocol: whom to ask, requests, and what their answers mean."""

import json
import re
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
from shared.domain.avro import Schema
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery

_MOST_BYTES: Final = 65_536  # of an answer
_SHOWN: Final = 500  # characters of a registry's own message
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

    def opened(self) -> "Registry":
        denied = "Have the service's operator check SCHEMA_REGISTRY_CREDENTIALS"
        return Registry("The service's schema registry", self.url, self.login, self.connections, denied)


@dataclass(frozen=True, slots=True)
class Registry:
    """``name``: at the beginning of a sentence; ``denied``: what to do if it denies a request."""

    name: str
    url: str
    login: Mapping[str, str]
    connections: Connections
    denied: str

    def post(self, path: str, schema: Schema, seconds: float) -> Answer:
        """Send the schema. Return the answer without the credentials that a server might repeat.

        Raises DestinationRefused if the guard forbids it, and Unavailable if there is no whole answer.
        """
        body = json.dumps({"schema": json.dumps(schema, separators=(",", ":"))}).encode()
        headers = self._headers | {"Content-Type": _TYPE}
        answer = self.connections.post(self._at(path), body, headers, seconds, most=_MOST_BYTES)
        if answer.status == HTTPStatus.OK and _is_cut(answer):
            raise Unavailable("the schema registry", detail="its answer ended in the middle")
        return _without_secrets(answer, self.login)

    def get(self, path: str, seconds: float, *, most: int) -> Answer:
        """Ask without a body. ``most``: bytes of the answer. Raises as ``post`` does."""
        answer = self.connections.get(self._at(path), self._headers, seconds, most=most)
        return _without_secrets(answer, self.login)

    def _at(self, path: str) -> str:
        return f"{self.url.rstrip('/')}{path}"

    @property
    def _headers(self) -> dict[str, str]:
        accepted = {"Accept": f"{_TYPE}, application/json"}
        return accepted | ({"Authorization": f"Basic {basic_login(**self.login)}"} if self.login else {})

    def meaning(self, answer: Answer, subject: str, doing: str) -> BackfillError:
        """Return the error for an answer other than 200. ``doing``: what was asked of it."""
        status, detail = answer.status, shown(answer)
        if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unavailable("the schema registry", detail=detail)
        if status in _UNAUTHORIZED:
            return DestinationRefused(
                f"{self.name} does not allow to {doing} a schema for {subject} (it answered {status})."
                f" {self.denied}",
                detail=detail,
            )
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return DestinationRefused(
                f"{self.name} answered {status}: redirects are not followed", detail=detail
            )
        return DestinationRefused(
            f"{self.name} refuses the schema of these rows for {subject} (it answered {status}):"
            f" {_reason(answer)}",
            detail=detail,
        )

    def is_none(self, answer: Answer, lacks: str) -> DestinationRefused:
        """Return the error for an answer that no registry would give; it ``lacks`` something."""
        return DestinationRefused(
            f"{self.name} does not answer with {lacks}: check that its url is the root of Confluent's API",
            detail=shown(answer),
        )


class Registries:
    """The registries of deliveries; ``connections``: to clients' registries."""

    def __init__(self, connections: Connections, own: OwnRegistry, secrets: Secrets) -> None:
        self._connections = connections
        self._own = own
        self._secrets = secrets

    def of(self, delivery: ChunkDelivery, asked: Asked) -> Registry:
        """Return the registry; DestinationRefused if there is none, or its credentials are unusable."""
        if isinstance(asked, str):
            return self._operators(delivery)
        name = asked.get("credentials")
        if name is None:
            denied = "Name a secret with username and password as credentials of the destination's registry"
            return Registry("The schema registry", asked["url"], {}, self._connections, denied)
        login = secret_fields(secret_text(self._secrets, delivery, name), name, (_LOGIN,))
        denied = f"Check username and password in the secret {name}, and what they are allowed to do"
        return Registry("The schema registry", asked["url"], login, self._connections, denied)

    def _operators(self, delivery: ChunkDelivery) -> Registry:
        if not self._own.url:
            raise DestinationRefused(
                f"{delivery.destination} asks for this service's own schema registry, and there is none: give"
                " the url of yours"
            )
        return self._own.opened()


def subject_of(delivery: ChunkDelivery, asked: Asked) -> str:
    """Return the topic's subject. In the operator's registry, it begins with the organization: a client names
    topics of other clusters freely, and must not reach another organization's subject by such a name.
    """
    topic: str = topic_of(delivery)
    if isinstance(asked, str) and "topic" in delivery.destination.options:
        topic = topic_name(delivery.organization_id, topic)
    return f"{topic}-value"


def subject_path(subject: str) -> str:
    """Return the path of a subject, below the path of what is asked about it."""
    return f"/subjects/{quote(subject, safe='')}"


def content(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object of an answer; empty if it is none."""
    try:
        found = json.loads(answer.excerpt)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def shown(answer: Answer) -> str:
    """Return the answer as the operator's log shows it."""
    return f"{answer.status}: {printable(answer.excerpt.decode('ascii', 'replace'))}"


def readable(text: str) -> str:
    """Return a registry's own words as a client reads them."""
    return printable(text, _SHOWN) or "without a message"


def _without_secrets(answer: Answer, login: Mapping[str, str]) -> Answer:
    """Return the answer of a server that may repeat what it was sent, fit for the job's error and the log."""
    text = answer.excerpt
    for secret in (basic_login(**login), login["password"]) if login else ():
        if secret:
            text = text.replace(secret.encode(), b"***")
    return replace(answer, excerpt=text)


def _is_cut(answer: Answer) -> bool:
    told = answer.headers.get("Content-Length", "")
    expected = min(int(told), _MOST_BYTES) if re.fullmatch(r"[0-9]{1,9}", told) else 1
    return len(answer.excerpt) < max(1, expected)


def _reason(answer: Answer) -> str:
    """Return the registry's own message, or the beginning of its answer."""
    found = content(answer).get("message")
    return readable(found if isinstance(found, str) else answer.excerpt.decode("ascii", "replace"))
