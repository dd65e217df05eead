"""Secrets that their owner replaces: a refusal of an old value passes, one of the current value does not."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.bootstrap.destinations import surroundings
from shared.config import read
from shared.destinations import KINDS, destination
from shared.destinations.kafka.compatibility import RegistryPresence
from shared.destinations.kafka.forms import Forms
from shared.destinations.rotation import RotatingPresence, Rotation, secret_names
from shared.destinations.spec import SECRET_PATTERN
from shared.destinations.webhook.connections import Connections
from shared.domain.columns import Column, JsonKind, TableType
from shared.domain.errors import DestinationRefused, RetryLater, Unavailable
from shared.steps.sending import ChunkDelivery, Pulse, Rows, Sink
from tests.e2e.support.receiver import signed_with
from tests.fakes.receivers import Receiver, Reply, Request
from tests.fakes.schema_registries import registrations, registries
from tests.fakes.secret_manager import ManagerStore, rotated, rotating
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to
from tests.fakes.webhook_sinks import FakeTime, loopback_connections, webhook_sink

REPLACED = "The secret NAME has been replaced, and the earlier value was refused"
DENIED = Reply(401)


@pytest.fixture
def connections() -> Iterator[Connections]:
    connections = loopback_connections()
    yield connections
    connections.close()


class Door:
    """A sink for whoever has the value."""

    def __init__(self, store: ManagerStore, value: bytes) -> None:
        self._store = store
        self._value = value

    def deliver(self, delivery: ChunkDelivery, _rows: Rows, _pulse: Pulse) -> bool:
        if self._store(delivery.organization_id, "NAME") != self._value:
            raise DestinationRefused("The door is shut", detail="for you")
        return True


def enter(sink: Sink) -> bool:
    door = destination(type="nats", name="door", uid="uid", credentials="NAME")
    return sink.deliver(delivery_to(door, 5), NumberedRows(5), SteadyPulse())


def test_the_next_attempt_after_a_refusal_uses_the_new_value() -> None:
    store = rotated("hidden-old", "new", "NAME")
    sink = rotating(Door(store, b"new"), store)
    with pytest.raises(RetryLater, match=REPLACED) as raised:
        enter(sink)
    assert raised.value.detail == "The door is shut (for you)"
    assert enter(sink)


def test_a_current_value_that_is_refused_fails_the_job_at_once() -> None:
    store = ManagerStore()
    store.set({"org123": {"NAME": "wrong"}})
    with pytest.raises(DestinationRefused, match="The door is shut"):
        enter(rotating(Door(store, b"right"), store))


def test_two_deliveries_with_the_old_value_pass_both() -> None:
    """The first one's refusal renews the cache before the second one is refused."""
    store = rotated("old", "new", "NAME")

    class Later(Door):
        def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
            try:
                return super().deliver(delivery, rows, pulse)
            finally:
                store.has_changed("org123", "NAME", 0.0)

    with pytest.raises(RetryLater, match=REPLACED):
        enter(rotating(Later(store, b"new"), store))


def test_a_first_delivery_that_outlives_its_secret_passes_too() -> None:
    """The delivery itself has read the value, when nothing was in the cache."""
    store = ManagerStore()
    store.set({"org123": {"NAME": "old"}})

    class Long(Door):
        def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
            try:
                return super().deliver(delivery, rows, pulse)
            finally:
                store.replace("org123", "NAME", "new")

    with pytest.raises(RetryLater, match=REPLACED):
        enter(rotating(Long(store, b"new"), store))
    assert enter(rotating(Door(store, b"new"), store))


def test_a_new_value_that_is_refused_too_fails_the_job() -> None:
    store = rotated("old", "new", "NAME")
    sink = rotating(Door(store, b"other"), store)
    with pytest.raises(RetryLater, match=REPLACED):
        enter(sink)
    with pytest.raises(DestinationRefused, match="The door is shut"):
        enter(sink)


def test_a_secret_that_goes_meanwhile_has_been_replaced() -> None:
    store = rotated("old", "new", "NAME")
    store.manager.values.clear()
    with pytest.raises(RetryLater, match=REPLACED):
        enter(rotating(Door(store, b"other"), store))
    with pytest.raises(KeyError):
        enter(rotating(Door(store, b"other"), store))


def test_while_the_store_does_not_answer_no_refusal_is_final() -> None:
    store = rotated("old", "old", "NAME")
    store.manager.error = ServiceUnavailable("down")  # type: ignore[no-untyped-call] # untyped there
    with pytest.raises(Unavailable, match="the secret store"):
        enter(rotating(Door(store, b"new"), store))


def test_a_sink_that_needs_no_secret_asks_the_store_for_nothing() -> None:
    store = ManagerStore()

    class Open(Door):
        def deliver(self, *_: object) -> bool:
            return True

    assert enter(rotating(Open(store, b""), store))
    assert store.manager.calls == []


@pytest.mark.parametrize(
    "options", [{"hash_key": "NAME"}, {"secret_headers": {"Authorization": "NAME"}}], ids=["key", "header"]
)
def test_a_webhooks_refusal_of_a_replaced_secret_passes(
    connections: Connections, options: Mapping[str, Any]
) -> None:
    store = rotated("old", "new", "NAME")
    with Receiver(DENIED, Reply(), DENIED) as receiver:
        hook = destination(type="webhook", name="hook", uid="uid", url=receiver.url, **options)
        delivery = delivery_to(hook, 5)
        sink = rotating(webhook_sink(connections, FakeTime(), secrets=store), store)
        with pytest.raises(RetryLater, match=REPLACED):
            sink.deliver(delivery, NumberedRows(5), SteadyPulse())
        assert sink.deliver(delivery, NumberedRows(5), SteadyPulse())
        with pytest.raises(DestinationRefused, match="answered 401"):
            sink.deliver(delivery, NumberedRows(5), SteadyPulse())
        used = [[value for value in ("old", "new") if has(value, each)] for each in receiver.requests]
    assert used == [["old"], ["new"], ["new"]]


def has(value: str, request: Request) -> bool:
    return signed_with(value, request) or request.headers.get("Authorization") == value


def in_avro(server: Receiver) -> ChunkDelivery:
    url = f"http://127.0.0.1:{server.port}"
    asked = {"type": "avro", "registry": {"url": url, "credentials": "NAME"}}
    delivery = delivery_to(destination(type="kafka", name="rows", uid="uid", format=asked), 5)
    columns = [Column("n", JsonKind.INTEGER, type=TableType("FIXED", 9, 0))]
    return replace(delivery, table="base.assets.t", columns=columns)


def login(password: str) -> str:
    return json.dumps({"username": "anna", "password": password})


class Registering:
    """A sink that only asks for its rows' form, as those of both Kafkas do first."""

    def __init__(self, store: ManagerStore) -> None:
        self._form = Forms(lambda: registrations(store))

    def deliver(self, delivery: ChunkDelivery, rows: Rows, _pulse: Pulse) -> bool:
        return self._form(delivery, rows) is not rows


def test_a_registrys_refusal_of_a_replaced_login_passes() -> None:
    store = rotated(login("old"), login("new"), "NAME")
    sink = rotating(Registering(store), store)
    with Receiver(DENIED, Reply(body=b'{"id": 7}'), DENIED) as server:
        delivery = in_avro(server)
        with pytest.raises(RetryLater, match=REPLACED):
            sink.deliver(delivery, NumberedRows(5), SteadyPulse())
        assert sink.deliver(delivery, NumberedRows(5), SteadyPulse())
        with pytest.raises(DestinationRefused, match="does not allow to register"):
            sink.deliver(in_avro(server), NumberedRows(5), SteadyPulse())


def test_a_check_with_a_replaced_login_is_no_refusal() -> None:
    store = rotated(login("old"), login("new"), "NAME")
    check = RegistryPresence(registries(store), time.monotonic)
    presence = RotatingPresence(check, Rotation(store.has_changed, store.monotonic))
    with Receiver(DENIED, Reply(body=b'{"is_compatible": true}')) as server:
        with pytest.raises(RetryLater, match=REPLACED):
            presence.require(in_avro(server), time.monotonic() + 60)
        presence.require(in_avro(server), time.monotonic() + 60)


def places(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all names of secrets in a model's schema, with * for any name."""
    if isinstance(schema, list):
        for one in schema:
            yield from places(one, path)
    if not isinstance(schema, dict):
        return
    if schema.get("pattern") == SECRET_PATTERN:
        yield path
    for word, part in schema.items():
        if word == "properties":
            for name, field in part.items():
                yield from places(field, (*path, name))
        elif word == "additionalProperties":
            yield from places(part, (*path, "*"))
        elif word not in ("$defs", "propertyNames"):
            yield from places(part, path)


def inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if reference := schema.get("$ref"):
        return inlined(definitions[reference.rpartition("/")[2]], definitions)
    return {word: inlined(part, definitions) for word, part in schema.items() if word != "$defs"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_field_that_names_a_secret_is_known(kind: Any) -> None:
    schema = kind.spec().model_json_schema()
    found = set(places(inlined(schema, schema.get("$defs", {}))))
    for path in found:
        options: Any = "NAME"
        for name in reversed(path):
            options = {name: options}
        assert secret_names(options) == {"NAME"}, path
    assert bool(found) == (kind.name not in {"gcs", "pubsub"})


def test_the_service_reads_the_current_value_of_the_local_stacks_file(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text('{"org123": {"NAME": "value"}}', "utf-8")
    around = surroundings(read({"GOOGLE_CLOUD_PROJECT": "project", "SECRETS_FILE": str(file)}))
    assert around.secrets("org123", "NAME") == b"value"
    assert not around.secret_has_changed("org123", "NAME", 0.0)
