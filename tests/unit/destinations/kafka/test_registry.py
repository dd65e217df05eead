"""The registry's client against a server on loopback: one registration a job, and every answer's meaning."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from shared.config import read
from shared.destinations import destination
from shared.destinations.kafka import form_of_rows
from shared.destinations.kafka import registrations as ids
from shared.destinations.kafka.forms import Forms
from shared.destinations.kafka.registrations import Registrations
from shared.destinations.surroundings import Surroundings
from shared.domain.avro import schema_of
from shared.domain.columns import Column, JsonKind, TableType
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery
from tests.fakes.files import FakeStagedFiles
from tests.fakes.receivers import Receiver, Reply
from tests.fakes.schema_registries import registrations as registrations_with
from tests.fakes.sending import AvroRows, NumberedRows

COLUMNS = (Column("n", JsonKind.INTEGER, type=TableType("FIXED", 9, 0)),)
SECRETS = {
    "REGISTRY": b'{"username": "anna", "password": "s3cret:"}',
    "TEXT": b"s3cret",
    "MORE": b'{"username": "anna", "password": "s3cret", "token": "x"}',
}
PATH = "/subjects/beam.acme.rows-value/versions"


def secrets(organization_id: str, name: str) -> bytes:
    assert organization_id == "acme"
    return SECRETS[name]


def registrations(**options: Any) -> Registrations:
    return registrations_with(secrets, **options)


def delivery(asked: Any, **changes: Any) -> ChunkDelivery:
    to = destination(type="kafka", name="rows", uid="uid1", format={"type": "avro", "registry": asked})
    one = ChunkDelivery("acme", "job1", "attempt1", 3, 5, to, 10, 0, table="base.assets.t", columns=COLUMNS)
    return replace(one, **changes)


def registered(number: Any = 7) -> Reply:
    return Reply(body=json.dumps({"id": number}).encode())


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    with Receiver(*getattr(request, "param", (registered(),))) as receiver:
        yield receiver


def url_of(server: Receiver, path: str = "") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def ask(server: Receiver, credentials: str | None = None) -> int:
    asked = {"url": url_of(server)} | ({"credentials": credentials} if credentials else {})
    return registrations().of(delivery(asked), asked)[1]


def refused_by(reply: Reply, credentials: str | None = None) -> DestinationRefused:
    with Receiver(reply) as server, pytest.raises(DestinationRefused) as raised:
        ask(server, credentials)
    assert "s3cret" not in raised.value.message + raised.value.detail
    return raised.value


def test_the_schema_is_registered_under_the_topics_subject(server: Receiver) -> None:
    asked = {"url": url_of(server, "/apis/ccompat/v7/")}
    assert registrations().of(delivery(asked), asked) == (schema_of("base.assets.t", COLUMNS), 7)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/apis/ccompat/v7" + PATH)
    assert request.headers["Content-Type"] == "application/vnd.schemaregistry.v1+json"
    assert "Authorization" not in request.headers
    body = json.loads(request.body)
    assert body.keys() == {"schema"}
    assert json.loads(body["schema"]) == schema_of("base.assets.t", COLUMNS)


def test_the_secret_is_sent_as_basic_credentials(server: Receiver) -> None:
    assert ask(server, "REGISTRY") == 7
    expected = base64.b64encode(b"anna:s3cret:").decode()
    assert server.requests[0].headers["Authorization"] == f"Basic {expected}"


def test_one_registration_does_for_all_chunks_of_a_job(server: Receiver) -> None:
    found, asked = registrations(), {"url": url_of(server)}
    first = delivery(asked)
    assert [found.of(replace(first, chunk=number), asked)[1] for number in range(5)] == [7] * 5
    assert len(server.requests) == 1


@pytest.mark.parametrize("server", [[registered(1), registered(2)]], indirect=True)
@pytest.mark.parametrize(
    "changes", [{"job_id": "job2"}, {"attempt_id": "attempt2"}, {"organization_id": "other"}]
)
def test_another_job_or_attempt_registers_its_own(server: Receiver, changes: dict[str, str]) -> None:
    found, asked = registrations(), {"url": url_of(server)}
    assert [found.of(delivery(asked, **more), asked)[1] for more in ({}, changes, {})] == [1, 2, 1]


def test_few_ids_are_kept(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_KEPT", 1)
    server.next_reply = registered  # type: ignore[method-assign]
    found, asked = registrations(), {"url": url_of(server)}
    for job in ("job1", "job1", "job2", "job1"):
        found.of(delivery(asked, job_id=job), asked)
    assert len(server.requests) == 3


def test_the_operators_registry_may_be_on_a_private_address(server: Receiver) -> None:
    login = {"username": "service", "password": "own"}
    found = registrations(insecure=False, own=url_of(server, "/registry"), login=login)
    assert found.of(delivery("default"), "default")[1] == 7
    (request,) = server.requests
    assert request.path == "/registry" + PATH
    assert request.headers["Authorization"] == f"Basic {base64.b64encode(b'service:own').decode()}"


def test_no_organization_reaches_anothers_subject_in_the_operators_registry(server: Receiver) -> None:
    asked = {"type": "avro", "registry": "default"}
    topic = "beam.other.rows"
    to = destination(type="external_kafka", name="rows", uid="uid1", topic=topic, format=asked)
    registrations(own=url_of(server)).of(delivery("default", destination=to), "default")
    (request,) = server.requests
    assert request.path == "/subjects/beam.acme.beam.other.rows-value/versions"


def test_without_an_operators_registry_the_default_is_refused() -> None:
    with pytest.raises(DestinationRefused, match="kafka rows asks for this service's own schema registry"):
        registrations().of(delivery("default"), "default")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://127.0.0.1:1", "The schema registry's host does not have a public address"),
        ("https://localhost:1/x", "The schema registry's host does not have a public address"),
        ("https://169.254.169.254", "The schema registry's host does not have a public address"),
        ("http://example.com", "The schema registry's url must be an https URL"),
        ("https://a@example.com", "The schema registry's url must not contain user information"),
    ],
)
def test_a_clients_registry_must_be_public_and_have_tls(url: str, fault: str) -> None:
    asked = {"url": url}
    with pytest.raises(DestinationRefused, match=fault):
        registrations(insecure=False).of(delivery(asked), asked)


@pytest.mark.parametrize("name", ["TEXT", "MORE", "ABSENT"])
def test_an_unusable_secret_is_named_and_never_sent(server: Receiver, name: str) -> None:
    with pytest.raises(DestinationRefused, match=name) as raised:
        ask(server, name)
    assert "s3cret" not in raised.value.message + raised.value.detail
    assert not server.requests


@pytest.mark.parametrize("status", [409, 422, 400, 404, 413])
def test_a_refused_schema_fails_the_job_with_the_registrys_own_words(status: int) -> None:
    body = json.dumps({"error_code": status, "message": "incompatible\x1b[31m: \u00e9" + "x" * 900}).encode()
    error = refused_by(Reply(status, body=body))
    assert error.message.startswith(
        "The schema registry refuses the schema of these rows for beam.acme.rows-value"
        f" (it answered {status}): incompatible?[31m: ?xxx"
    )
    assert len(error.message) < 700
    assert error.message.isascii()
    assert error.message.isprintable()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", "without a message"),
        (b"<html>\n", "<html>?"),
        (b'{"message": 5}', '"message": 5'),
        (b"[]", "[]"),
    ],
)
def test_a_refusal_without_a_message_is_shown_as_it_is(body: bytes, shown: str) -> None:
    assert shown in refused_by(Reply(409, body=body)).message


@pytest.mark.parametrize("status", [401, 403])
def test_denied_credentials_are_named(status: int) -> None:
    error = refused_by(Reply(status, body=b"no"), "REGISTRY")
    assert f"(it answered {status}). Check username and password in the secret REGISTRY" in error.message
    assert "Name a secret with username and password" in refused_by(Reply(status)).message
    with Receiver(Reply(status)) as server, pytest.raises(DestinationRefused, match="SCHEMA_REGISTRY_CRED"):
        registrations(own=url_of(server)).of(delivery("default"), "default")


@pytest.mark.parametrize("status", [200, 307, 401, 409, 500])
def test_a_server_that_repeats_credentials_puts_them_in_no_error(status: int) -> None:
    basic = base64.b64encode(b"anna:s3cret:").decode()
    body = json.dumps({"message": f"you sent Basic {basic}, which is anna and s3cret:"}).encode()
    with Receiver(Reply(status, body=body)) as server, pytest.raises(BackfillError) as raised:
        ask(server, "REGISTRY")
    told = raised.value.message + raised.value.detail
    assert "you sent Basic ***" in told
    assert "s3cret" not in told
    assert basic not in told


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Receiver() as elsewhere:
        reply = Reply(status, headers={"Location": url_of(elsewhere)})
        assert f"answered {status}: redirects are not followed" in refused_by(reply).message
        assert not elsewhere.requests


@pytest.mark.parametrize(
    "body",
    [
        *(b"<html>welcome</html>", b"[]", b"null", b"7", b"{}", b"[" * 50_000, b"\xff"),
        *(registered(number).body for number in (0, -1, 2**31, "7", True, 7.0, None)),
        b'{"id": 7, "more": "' + b"x" * 100_000 + b'"}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_an_answer_that_is_no_id_fails_the_job(body: bytes) -> None:
    assert "does not answer with a schema's id" in refused_by(Reply(body=body)).message


@pytest.mark.parametrize(
    "reply",
    [
        *(Reply(status, body=b"later") for status in (500, 502, 503, 504, 408, 429)),
        Reply(cut=True),
        Reply(body=b'{"id": 7}', cut=True),
    ],
    ids=str,
)
def test_a_registry_in_trouble_is_asked_again_later(reply: Reply) -> None:
    with Receiver(reply, registered(9)) as server:
        found, asked = registrations(), {"url": url_of(server)}
        with pytest.raises(Unavailable, match="the schema registry is not available at the moment"):
            found.of(delivery(asked), asked)
        assert found.of(delivery(asked), asked)[1] == 9


@pytest.mark.parametrize(
    "reply", [Reply(hang=60), Reply(trickle=True), Reply(body=b'{"id": 7}', stall=True)], ids=str
)
def test_a_registry_that_hangs_is_left(reply: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_SECONDS", 0.3)
    began = time.monotonic()
    with Receiver(reply) as server, pytest.raises(Unavailable):
        ask(server)
    assert time.monotonic() - began < 20


def test_a_registry_that_is_not_there_is_asked_again_later() -> None:
    asked = {"url": "http://127.0.0.1:1"}
    with pytest.raises(Unavailable):
        registrations().of(delivery(asked), asked)


def never() -> Registrations:
    raise AssertionError("rows in JSON need no registry")


@pytest.mark.parametrize("options", [{}, {"format": "json"}, {"format": None}])
def test_rows_in_json_stay_as_they_are(options: dict[str, Any]) -> None:
    rows = NumberedRows(5)
    to = destination(type="kafka", name="rows", uid="uid1", **options)
    assert Forms(never)(delivery("default", destination=to), rows) is rows


@pytest.mark.parametrize("kind", ["kafka", "external_kafka"])
def test_rows_in_avro_carry_the_schemas_id(server: Receiver, kind: str) -> None:
    asked = {"url": url_of(server)}
    made: list[Registrations] = []

    def make() -> Registrations:
        made.append(registrations())
        return made[-1]

    forms = Forms(make)
    options = {"topic": "clients-topic"} if kind == "external_kafka" else {}
    to = destination(
        type=kind, name="rows", uid="uid1", format={"type": "avro", "registry": asked}, **options
    )
    for _ in range(2):
        rows = forms(delivery(asked, destination=to), NumberedRows(5))
        assert isinstance(rows, AvroRows)
        assert rows.schema == schema_of("base.assets.t", COLUMNS)
        assert next(rows.batches(5)).lines()[0].startswith(b'\0\0\0\0\x07{"row": 0')
    subject = "clients-topic-value" if kind == "external_kafka" else "beam.acme.rows-value"
    assert [request.path for request in server.requests] == [f"/subjects/{subject}/versions"]
    assert len(made) == 1


def test_the_service_asks_the_registry_that_its_settings_name(server: Receiver) -> None:
    told = {
        "GOOGLE_CLOUD_PROJECT": "project",
        "SCHEMA_REGISTRY_URL": url_of(server, "/own/"),
        "SCHEMA_REGISTRY_CREDENTIALS": '{"username": "service", "password": "own"}',
    }
    around = Surroundings(
        settings=read(told),
        secrets=secrets,
        secret_has_changed=lambda _organization, _name, _began: False,
        identity_token=str,
        staged_files=FakeStagedFiles,
        now=lambda: datetime.now(UTC),
        monotonic=time.monotonic,
        sleep=time.sleep,
        random=lambda: 0.5,
        new_id=uuid4,
    )
    rows = form_of_rows(around)(delivery("default"), NumberedRows(5))
    assert isinstance(rows, AvroRows)
    assert rows.schema_id == 7
    (request,) = server.requests
    assert request.path == "/own" + PATH
    assert request.headers["Authorization"].startswith("Basic ")
    own = {"url": url_of(server)}
    with pytest.raises(DestinationRefused, match="must be an https URL"):
        form_of_rows(around)(delivery(own), NumberedRows(5))
