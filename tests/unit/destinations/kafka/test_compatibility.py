"""The check whether a registry would take a schema, against a server on loopback."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from shared.destinations import destination
from shared.destinations.external_kafka.presence import ExternalPresence
from shared.destinations.kafka import compatibility
from shared.destinations.kafka.compatibility import RegistryPresence
from shared.destinations.kind import WouldWait
from shared.domain.avro import schema_of
from shared.domain.columns import Column, JsonKind, TableType
from shared.domain.errors import DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery, without_rows
from tests.fakes.receivers import Receiver, Reply
from tests.fakes.schema_registries import registries

COLUMNS = (Column("n", JsonKind.INTEGER, type=TableType("FIXED", 9, 0)),)
LATEST = "/compatibility/subjects/beam.acme.rows-value/versions/latest?verbose=true"
ABSENT = Reply(404, body=b'{"error_code": 40401, "message": "Subject not found."}')
SECRETS = {"REGISTRY": b'{"username": "anna", "password": "s3cret"}'}


def secrets(_organization_id: str, name: str) -> bytes:
    return SECRETS[name]


def verdict(compatible: object, *messages: object) -> Reply:
    return Reply(body=json.dumps({"is_compatible": compatible, "messages": messages}).encode())


def delivery(asked: Any, **changes: Any) -> ChunkDelivery:
    to = destination(type="kafka", name="rows", uid="", format={"type": "avro", "registry": asked})
    return replace(without_rows("acme", to), table="base.assets.t", columns=COLUMNS, **changes)


def url_of(server: Receiver) -> str:
    return f"http://127.0.0.1:{server.port}"


def ask(server: Receiver, credentials: str | None = None, *, seconds: float = 60.0) -> None:
    one = delivery({"url": url_of(server), "credentials": credentials})
    RegistryPresence(registries(secrets), time.monotonic).require(one, time.monotonic() + seconds)


def refused_by(*replies: Reply, credentials: str | None = None) -> str:
    with Receiver(*replies) as server, pytest.raises(DestinationRefused) as raised:
        ask(server, credentials)
    assert "s3cret" not in raised.value.message + raised.value.detail
    return raised.value.message


@pytest.mark.parametrize("reply", [verdict(compatible=True), ABSENT])
def test_a_compatible_schema_or_a_first_one_is_fit_and_only_asked_about(reply: Reply) -> None:
    with Receiver(reply) as server:
        ask(server)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", LATEST)
    assert json.loads(json.loads(request.body)["schema"]) == schema_of("base.assets.t", COLUMNS)


def test_an_incompatible_schema_is_told_in_the_registrys_words() -> None:
    assert refused_by(verdict(False, "reader\nlacks n", 7, "x" * 900), ABSENT) == (
        "The schema registry would refuse the schema of these rows, which is not compatible with the latest"
        " one of beam.acme.rows-value: reader?lacks n; " + "x" * 484
    )
    assert refused_by(Reply(body=b'{"is_compatible": false}'), ABSENT).endswith(": without a message")


def test_an_earlier_version_is_fit_whatever_the_latest_is() -> None:
    with Receiver(verdict(False), Reply(body=b'{"id": 3}')) as server:
        ask(server)
    assert [request.path for request in server.requests] == [LATEST, "/subjects/beam.acme.rows-value"]
    assert server.requests[0].body == server.requests[1].body


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_named(status: int) -> None:
    told = refused_by(Reply(status), credentials="REGISTRY")
    assert f"not allow to check a schema for beam.acme.rows-value (it answered {status})" in told
    assert "Check username and password in the secret REGISTRY" in told


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(422, body=b'{"error_code": 42201, "message": "bad"}'), "refuses the schema of these rows"),
        (Reply(302), "redirects are not followed"),
        (Reply(404, body=b"<html>"), "does not answer with what it has of the subject: check that its url"),
        (Reply(404, body=b'{"error_code": 404}'), "does not answer with what it has of the subject"),
        (Reply(body=b"<html>"), "does not answer with whether the schema is compatible: check that its url"),
        (verdict("yes"), "does not answer with whether the schema is compatible"),
    ],
)
def test_what_a_registration_would_fail_of_is_told(reply: Reply, says: str) -> None:
    assert says in refused_by(reply)


@pytest.mark.parametrize("reply", [Reply(503), Reply(429), Reply(cut=True)], ids=str)
def test_a_registry_in_trouble_is_told_as_what_a_job_would_wait_for(reply: Reply) -> None:
    with Receiver(reply) as server, pytest.raises(WouldWait) as raised:
        ask(server)
    assert raised.value.message == (
        "the schema registry is not available at the moment. A job would wait for it, unless only deliveries"
        " may reach it"
    )


@pytest.mark.parametrize("replies", [[Reply(hang=60)], [verdict(False), Reply(trickle=True)]], ids=str)
def test_a_registry_that_hangs_is_left(replies: list[Reply], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compatibility, "_SECONDS", 0.5)
    began = time.monotonic()
    with Receiver(*replies) as server, pytest.raises(WouldWait):
        ask(server)
    assert time.monotonic() - began < 20


def test_without_time_nothing_is_sent() -> None:
    with Receiver() as server, pytest.raises(WouldWait):
        ask(server, seconds=0.0)
    assert not server.requests


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "https://169.254.169.254", "http://example.com"])
def test_a_hostile_address_is_not_connected_to(url: str) -> None:
    presence = RegistryPresence(registries(insecure=False), time.monotonic)
    with pytest.raises(DestinationRefused, match=r"public address|must be an https URL"):
        presence.require(delivery({"url": url}), time.monotonic() + 60.0)


def test_a_name_that_avro_does_not_allow_is_told_without_the_registry() -> None:
    columns = (Column("a$b", JsonKind.TEXT),)
    one = replace(delivery({"url": "http://127.0.0.1:1"}), columns=columns)
    with pytest.raises(DestinationRefused, match="other names with `as`"):
        RegistryPresence(registries(), time.monotonic).require(one, time.monotonic() + 60.0)


def test_rows_in_json_need_no_registry() -> None:
    to = destination(type="kafka", name="rows", uid="", format="json")
    RegistryPresence(registries(), time.monotonic).require(without_rows("acme", to), time.monotonic())


class Cluster:
    """Stands for clients' clusters, and for one of them: it has the topic, or raises ``error``."""

    monotonic = staticmethod(time.monotonic)

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def of(self, _delivery: ChunkDelivery) -> "Cluster":
        return self

    def require(self, *_: object) -> None:
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, "redirects are not followed"),
        (Unavailable("the Kafka cluster"), "redirects are not followed"),
        (DestinationRefused("topic t does not exist"), "topic t does not exist"),
    ],
)
def test_a_clients_cluster_and_its_registry_are_both_asked(error: Exception | None, expected: str) -> None:
    registry = RegistryPresence(registries(), time.monotonic)
    presence = ExternalPresence(Cluster(error), registry)  # type: ignore[arg-type]  # stands for it
    with Receiver(Reply(302)) as server, pytest.raises(DestinationRefused, match=expected):
        presence.require(delivery({"url": url_of(server)}), time.monotonic() + 60.0)


def test_a_cluster_that_does_not_answer_tells_nothing_if_its_registry_is_fit() -> None:
    presence = ExternalPresence(
        Cluster(Unavailable("the Kafka cluster")),  # type: ignore[arg-type]  # stands for it
        RegistryPresence(registries(), time.monotonic),
    )
    with Receiver(ABSENT) as server, pytest.raises(Unavailable, match="the Kafka cluster"):
        presence.require(delivery({"url": url_of(server)}), time.monotonic() + 60.0)
