"""Secrets never leak: every one contains a canary, and all outputs are searched for them."""

import base64
import json
import secrets
import socket
from http import HTTPStatus

import pytest

from infra.local.calls import call
from tests.e2e.support.client import backfill, kafka, wait_until, webhook
from tests.e2e.support.kafka import create_topic
from tests.e2e.support.logs import entries
from tests.e2e.support.queue import CHUNKS, DEAD_LETTER, STAGE, Queue
from tests.e2e.support.receiver import Receiver, Reply, signed_with
from tests.e2e.support.tables import Warehouse
from tests.e2e.support.watched import Canary, Watched
from tests.fakes.odd_servers import odd_server

pytestmark = pytest.mark.stack

_INFO = (
    b'INFO {"server_id":"odd","version":"2.10.0","headers":true,"auth_required":true,"max_payload":999}\r\n'
)
_UNKNOWN = b"<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>"
_REFUSAL = b"-ERR 'Authorization Violation'\r\n"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def table(watched_stack: Watched) -> str:
    table, _ = Warehouse(watched_stack.stack.endpoints).create_hashes("CANARIES", 2_000)
    return table


def secret_url(port: int, canary: Canary) -> str:
    return f"http://127.0.0.1:{port}/{canary.value}?token={canary.value}"


def test_a_canary_would_be_found() -> None:
    """Check every encoding and every offset."""
    canary = Canary("any", secrets.token_urlsafe(24))
    for before in ("", "a", "ab", "abc"):
        text = f"{before}{canary.value}z".encode()
        for form in (text, text.hex().encode(), base64.b64encode(text)):
            assert canary.is_in(form)
    assert not canary.is_in(b"nothing")


def jobs_that_succeed(watched_stack: Watched, table: str, address: Canary) -> None:
    secret = watched_stack.stack.endpoints["webhook_secret"]
    with Receiver() as receiver:
        url = secret_url(receiver.port, address)
        destinations = [kafka("canary"), webhook("canary", url, secret["name"])]
        watched_stack.client.completed(watched_stack.client.create(table=table, destinations=destinations))
    assert all(signed_with(secret["value"], request) for request in receiver.requests)
    assert receiver.requests
    watched_stack.client.list()


def receivers_that_refuse(watched_stack: Watched, table: str, address: Canary) -> None:
    secret = watched_stack.stack.endpoints["webhook_secret"]["name"]
    for reply in (Reply(410), Reply(307, {"Location": "/elsewhere"}), Reply(401)):
        with Receiver(*[reply] * 9) as receiver:
            job = [webhook("refusing", secret_url(receiver.port, address), secret)]
            job_id = watched_stack.client.create(table=table, destinations=job)
            watched_stack.client.wait_for(job_id, "failed")


def receivers_that_do_not_answer(watched_stack: Watched, table: str, address: Canary) -> None:
    secret = watched_stack.stack.endpoints["webhook_secret"]["name"]
    hanging = Reply(cut=True)
    with Receiver(*[hanging, Reply(500), Reply(503, {"Retry-After": "1"})] * 20) as receiver:
        job_id = watched_stack.client.create(
            table=table,
            destinations=[
                webhook("cutting", secret_url(receiver.port, address), secret),
                webhook("closed", secret_url(free_port(), address), secret),
            ],
        )
        wait_until(lambda: retried(watched_stack, job_id), "a delivery that comes again")
        watched_stack.client.get(job_id)
        assert watched_stack.client.cancel(job_id).status == HTTPStatus.OK


def jobs_that_fail_in_staging(watched_stack: Watched, table: str, address: Canary) -> None:
    client, endpoints = watched_stack.client, watched_stack.stack.endpoints
    warehouse = Warehouse(endpoints)
    url = secret_url(1, address)
    refused = [
        {"table": "base.assets.nowhere", "destinations": [webhook("hook", url)]},
        {"table": table, "destinations": [webhook("hook", url)], "column": "colour", "values": ["red"]},
    ]
    for fields in refused:
        client.wait_for(client.create(**fields), "failed")
    # Snowflake may quote its input.
    warehouse.fail_unloads(100038, "22018", f"'{address.value}' is not recognized")
    client.wait_for(client.create(table=table, destinations=[webhook("hook", url)]), "failed")
    warehouse.fail_unloads(300010, "XX000", f"internal error: {address.value}", times=3)
    client.wait_for(client.create(table=table, destinations=[webhook("hook", url)]), "failed")


def destinations_that_can_not_be_had(watched_stack: Watched, table: str, address: Canary) -> None:
    client, endpoints = watched_stack.client, watched_stack.stack.endpoints
    create_topic(endpoints["kafka_bootstrap"], f"beam.{endpoints['organization_id']}.odd_name")
    unsigned = webhook("hook", secret_url(1, address), "NO_SUCH_SECRET")
    for destination in (kafka("odd.name"), unsigned):
        client.wait_for(client.create(table=table, destinations=[destination]), "failed")


def credentials_of_other_kinds(watched_stack: Watched, table: str, _address: Canary) -> None:
    """Use servers that refuse credentials, that do not exist, and one that accepts them."""
    header, bus, cluster, keys = (
        Canary(name, secrets.token_urlsafe(24))
        for name in ("header of a webhook", "password of NATS", "password of a cluster", "key of Amazon's")
    )
    watched_stack.canaries += [header, bus, cluster, keys]
    watched_stack.keep_secrets(
        HEADER=header.value,
        BUS=json.dumps({"user": "rows", "password": bus.value}),
        CLUSTER=json.dumps({"username": "rows", "password": cluster.value}),
        KEYS=json.dumps({"access_key_id": "AKIAWATCHED", "secret_access_key": keys.value}),
    )
    client = watched_stack.client
    with (
        Receiver() as receiver,
        Receiver(*[Reply(403, body=_UNKNOWN)] * 99) as amazon,
        odd_server(_INFO, _REFUSAL) as nats,
    ):
        hook = webhook("headed", receiver.url) | {"secret_headers": {"Authorization": "HEADER"}}
        client.completed(client.create(table=table, destinations=[hook]))
        assert {request.headers["Authorization"] for request in receiver.requests} == {header.value}
        bus_of = {"servers": [f"nats://{nats}"], "subject": "rows.all", "credentials": "BUS"}
        cloud = {"topic_arn": "arn:aws:sns:eu-west-1:000000000000:rows", "credentials": "KEYS"}
        cloud["endpoint_url"] = f"http://127.0.0.1:{amazon.port}"
        for refusing in (
            {"type": "nats", "name": "bus", **bus_of},
            {"type": "sns", "name": "cloud", **cloud},
        ):
            client.wait_for(client.create(table=table, destinations=[refusing]), "failed")
    silent = {"bootstrap_servers": f"127.0.0.1:{free_port()}", "topic": "rows", "credentials": "CLUSTER"}
    job_id = client.create(table=table, destinations=[{"type": "external_kafka", "name": "away", **silent}])
    wait_until(lambda: retried(watched_stack, job_id), "a delivery to the cluster that comes again")
    assert client.cancel(job_id).status == HTTPStatus.OK


def schema_registries(watched_stack: Watched, table: str, _address: Canary) -> None:
    """One that repeats what it was sent, one that takes it, and the operator's, which is not there."""
    password = Canary("password of a registry", secrets.token_urlsafe(24))
    watched_stack.canaries.append(password)
    watched_stack.keep_secrets(REGISTRY=json.dumps({"username": "rows", "password": password.value}))
    client = watched_stack.client
    refusal = {"message": f"not {base64.b64encode(f'rows:{password.value}'.encode()).decode()}"}
    refusing, taking = Reply(409, body=json.dumps(refusal).encode()), Reply(body=b'{"id": 7}')
    for reply, status in ((refusing, "failed"), (taking, "completed")):
        with Receiver(*[reply] * 99) as registry:
            asked = {"url": f"http://127.0.0.1:{registry.port}", "credentials": "REGISTRY"}
            in_avro = kafka("in-avro") | {"format": {"type": "avro", "registry": asked}}
            job = client.wait_for(client.create(table=table, destinations=[in_avro]), status)
        assert status == "completed" or job["error_message"].endswith("not ***")
    by_default = kafka("by-default") | {"format": {"type": "avro", "registry": "default"}}
    job_id = client.create(table=table, destinations=[by_default])
    wait_until(lambda: retried(watched_stack, job_id), "a registration that comes again")
    assert client.cancel(job_id).status == HTTPStatus.OK


def retried(watched_stack: Watched, job_id: str) -> bool:
    """Return whether the log shows a retried delivery of the job."""
    return any(
        entry.get("event") == "message_retried" and entry.get("job_id") == job_id
        for entry in entries(watched_stack.stack.endpoints, "deliver")
    )


def requests_that_are_refused(watched_stack: Watched, table: str, address: Canary) -> None:
    client = watched_stack.client
    unknown = Canary("unknown API key", secrets.token_urlsafe(24))
    in_url = Canary("password in a URL", secrets.token_urlsafe(24))
    watched_stack.canaries += [unknown, in_url]
    stranger = type(client)(client.api_url, unknown.value, heard=client.heard)
    assert stranger.call("GET", "").status == HTTPStatus.UNAUTHORIZED
    hostile = webhook("hook", f"https://user:{in_url.value}@example.com/")
    bodies = [
        backfill(table, [hostile]),
        backfill(table, [webhook("hook", "ftp://" + address.value)]),
        b"{" + in_url.value.encode(),
        b" " * (2 * 1024 * 1024 + 1),
    ]
    statuses = [client.post(body).status for body in bodies]
    assert statuses == [422, 422, 422, 413]
    assert client.call("GET", "/00000000-0000-4000-8000-000000000000").status == HTTPStatus.NOT_FOUND


def messages_and_calls_that_are_not_ours(watched_stack: Watched, _table: str, _address: Canary) -> None:
    endpoints = watched_stack.stack.endpoints
    token = Canary("somebody's token", secrets.token_urlsafe(24))
    watched_stack.canaries.append(token)
    forged = {"kind": "deliver", "organization_id": "acme", "job_id": "x", "attempt_id": "y", "retry": 0}
    for topic in (STAGE, CHUNKS, DEAD_LETTER):
        Queue(endpoints).publish(topic, [b"{", json.dumps(forged | {"chunk": 1}).encode()])
    for function in endpoints["functions"].values():
        headers = {"Authorization": f"Bearer {token.value}"}
        call("POST", function["url"], body=b"{}", headers=headers, timeout=120.0)


def parts_that_are_down(watched_stack: Watched, table: str, _address: Canary) -> None:
    stack, client = watched_stack.stack, watched_stack.client
    for part in ("pubsub", "firestore"):
        stack.pause(part)
        try:
            patient = type(client)(client.api_url, client.api_key, timeout=120.0, heard=client.heard)
            answer = patient.post(backfill(table, [kafka("canary")]))
            assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        finally:
            stack.resume(part)
    client.completed(client.create(table=table, destinations=[kafka("canary")]), seconds=240)


def places_with(canary: Canary, watched_stack: Watched) -> set[str]:
    """Return the places where the canary appears so far."""
    return {place for place, text in watched_stack.places().items() if canary.is_in(text)}


def test_of_all_that_comes_out_none_is_a_secret(watched_stack: Watched, table: str) -> None:
    """Search a run with successes and failures of every kind."""
    # In the URLs of webhooks, which only the job's record and its organization's answers contain.
    address = Canary("webhook address", secrets.token_urlsafe(24), frozenset({"Firestore", "API"}))
    watched_stack.canaries.append(address)
    for happens in (
        jobs_that_succeed,
        receivers_that_refuse,
        receivers_that_do_not_answer,
        jobs_that_fail_in_staging,
        destinations_that_can_not_be_had,
        credentials_of_other_kinds,
        schema_registries,
        requests_that_are_refused,
        messages_and_calls_that_are_not_ours,
        parts_that_are_down,
    ):
        happens(watched_stack, table, address)
    assert len(watched_stack.canaries) == 15
    # A public value appears in each place, which proves that each was searched; some of it appears later.
    public = Canary("job", watched_stack.client.list()[-1]["job_id"])
    searched = {
        "logs of api",
        "logs of stage",
        "logs of deliver",
        f"messages of {STAGE}",
        f"messages of {CHUNKS}",
        "Firestore",
        "API",
        "traces",
    }
    wait_until(lambda: places_with(public, watched_stack) >= searched, "the last job is told of everywhere")
    assert places_with(address, watched_stack) >= {"Firestore", "API"}
    assert any("Bearer" in headers.get("authorization", "") for headers in watched_stack.collector.headers)
    assert watched_stack.sightings() == []
