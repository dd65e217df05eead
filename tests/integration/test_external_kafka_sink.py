"""Chunks into a topic of an external cluster: Apache Kafka with SASL, TLS and its authorizer."""

import base64
import json
import socket
import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest

from infra.local.kafka_rights import GROUPS, TRANSACTIONS
from infra.local.supervisor import LocalStack
from shared.destinations.kafka import sink as sink_module
from shared.domain.errors import DeliveryStopped, DestinationRefused, RetryLater, Unavailable
from shared.steps.sending import ChunkDelivery
from tests.fakes.external_kafka import LOGIN, ExternalTopic
from tests.fakes.receivers import Receiver, Reply
from tests.fakes.secret_manager import rotated, rotating
from tests.fakes.sending import NumberedRows, SteadyPulse

pytestmark = pytest.mark.emulator

ROWS = 300


@pytest.fixture
def topic(secure_kafka: LocalStack) -> ExternalTopic:
    return ExternalTopic(secure_kafka)


def deliver(topic: ExternalTopic, delivery: ChunkDelivery, secret: Any = None, **options: Any) -> bool:
    return topic.sink(secret, **options).deliver(delivery, NumberedRows(ROWS), SteadyPulse())


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_every_row_arrives_once_under_its_key(topic: ExternalTopic, mechanism: str) -> None:
    delivery = topic.delivery(ROWS, sasl_mechanism=mechanism)
    sink = topic.sink()
    for _ in range(2):
        assert sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    arrived = topic.arrived()
    assert sorted(row["row"] for row in arrived) == list(range(ROWS))
    assert all(row["key"] == f"key-{row['row']}" and row["headers"] == {} for row in arrived)


def test_at_least_once_each_row_names_itself(topic: ExternalTopic) -> None:
    delivery = topic.delivery(ROWS, delivery="at_least_once")
    assert deliver(topic, delivery)
    names = {(row["headers"]["beam-chunk"], row["headers"]["beam-row"]) for row in topic.arrived()}
    assert names == {(b"3", b"%d" % row) for row in range(ROWS)}


def test_a_user_who_logs_in_by_plain_delivers_at_least_once(secure_kafka: LocalStack) -> None:
    topic = ExternalTopic(secure_kafka)
    secret = {"username": "plain", "password": topic.secured.password, "ca": topic.secured.authority}
    delivery = topic.delivery(
        ROWS, topic="exports", sasl_mechanism="PLAIN", security_protocol="SASL_SSL", delivery="at_least_once"
    )
    assert deliver(topic, delivery, lambda: secret)
    once = topic.delivery(ROWS, topic="exports", sasl_mechanism=None)
    with pytest.raises(DestinationRefused, match=r"exactly once.*transactional ids.*at_least_once"):
        deliver(topic, once, lambda: secret)


def test_a_client_is_let_in_by_its_certificate(topic: ExternalTopic) -> None:
    servers = f"localhost:{topic.secured.mutual_port}"
    delivery = topic.delivery(
        ROWS, bootstrap_servers=servers, topic="exports", security_protocol="SSL", sasl_mechanism=None
    )
    assert deliver(topic, delivery, lambda: topic.secured.client)
    assert topic.markers(lambda: topic.secured.client).committed(delivery)


def test_a_client_without_the_certificate_that_is_asked_for_waits(topic: ExternalTopic) -> None:
    servers = f"localhost:{topic.secured.mutual_port}"
    delivery = topic.delivery(ROWS, bootstrap_servers=servers)
    with pytest.raises(Unavailable):
        deliver(topic, delivery)


def test_a_token_is_fetched_where_the_secret_says(topic: ExternalTopic) -> None:
    def token() -> bytes:
        now = int(time.time())
        parts = [{"alg": "none"}, {"sub": topic.user, "iat": now, "exp": now + 600}]
        coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        return json.dumps({"access_token": ".".join([*coded, ""]), "expires_in": 600}).encode()

    with Receiver(Reply(body=token())) as endpoint:
        secret = topic.login(token_endpoint=endpoint.url, scope="rows")
        delivery = topic.delivery(ROWS, sasl_mechanism="OAUTHBEARER")
        assert deliver(topic, delivery, lambda: secret)
        (request,) = endpoint.requests
        assert parse_qs(request.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["rows"]}
        login = base64.b64encode(f"{topic.user}:{topic.password}".encode()).decode()
        assert request.headers["Authorization"] == f"Basic {login}"
    assert sorted(topic.rows()) == list(range(ROWS))


@pytest.mark.parametrize(
    ("reply", "error", "told"),
    [
        (Reply(status=401), DestinationRefused, "The token endpoint of secret LOGIN does not accept"),
        (Reply(body=b"[]"), DestinationRefused, "The token endpoint of secret LOGIN does not answer with a"),
        (Reply(body=b"{"), DestinationRefused, "The token endpoint of secret LOGIN does not answer with a"),
        (Reply(status=503), Unavailable, "the token endpoint is not available"),
        (Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}), Unavailable, "the token endpoint"),
    ],
)
def test_an_endpoint_that_gives_no_token_is_told(
    topic: ExternalTopic, reply: Reply, error: type[Exception], told: str
) -> None:
    with Receiver(reply) as endpoint:
        secret = topic.login(token_endpoint=endpoint.url)
        with pytest.raises(error, match=told):
            deliver(topic, topic.delivery(ROWS, sasl_mechanism="OAUTHBEARER"), lambda: secret)


@pytest.mark.parametrize(
    ("operations", "rights", "named"),
    [
        (("WRITE", "READ"), [GROUPS], "exactly once.*transactional ids that begin with beam"),
        (("WRITE", "READ"), [TRANSACTIONS], "exactly once.*groups that begin with beam"),
        (("READ",), [TRANSACTIONS, GROUPS], "does not allow this service to write to topic rows-"),
        ((), [TRANSACTIONS, GROUPS], "does not allow this service to write to topic rows-"),
        (("WRITE",), [TRANSACTIONS, GROUPS], "topic rows-.*Read"),
    ],
)
def test_a_right_that_is_missing_fails_the_job_and_is_named(
    secure_kafka: LocalStack, operations: tuple[str, ...], rights: list[Any], named: str
) -> None:
    topic = ExternalTopic(secure_kafka, operations, rights)
    with pytest.raises(DestinationRefused, match=named):
        deliver(topic, topic.delivery(ROWS))
    assert topic.rows() == []


def test_a_cluster_that_allows_only_shorter_transactions_fails_the_job(
    topic: ExternalTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cluster has Kafka's default of 15 minutes, so the delivery asks for more."""
    monkeypatch.setattr(sink_module, "_LONGEST_TRANSACTION", 1_000.0)
    pulse = SteadyPulse(seconds=1_000.0)
    with pytest.raises(
        DestinationRefused, match=r"transaction\.max\.timeout\.ms to 900000, or choose.*at_least_once"
    ):
        topic.sink().deliver(topic.delivery(ROWS), NumberedRows(ROWS), pulse)
    assert topic.sink().deliver(topic.delivery(ROWS, delivery="at_least_once"), NumberedRows(ROWS), pulse)


def test_at_least_once_needs_the_topic_alone(secure_kafka: LocalStack) -> None:
    topic = ExternalTopic(secure_kafka, ("WRITE",), ())
    assert deliver(topic, topic.delivery(ROWS, delivery="at_least_once"))
    assert sorted(topic.rows()) == list(range(ROWS))


def test_a_wrong_password_fails_the_job_by_the_secrets_name(topic: ExternalTopic) -> None:
    with pytest.raises(
        DestinationRefused, match="does not accept the credentials of secret LOGIN"
    ) as refused:
        deliver(topic, topic.delivery(ROWS), lambda: topic.login(password="hunter2"))
    assert "hunter2" not in refused.value.message + refused.value.detail


def test_a_rotated_password_is_read_for_the_next_chunk(topic: ExternalTopic) -> None:
    sink, first = topic.sink(), topic.delivery(ROWS)
    assert sink.deliver(first, NumberedRows(ROWS), SteadyPulse())
    topic.rotate("others")
    assert sink.deliver(replace(first, chunk=4), NumberedRows(ROWS), SteadyPulse())
    assert sorted(topic.rows()) == sorted([*range(ROWS)] * 2)


def test_a_refusal_of_a_replaced_password_passes(topic: ExternalTopic) -> None:
    store = rotated(json.dumps(topic.login(password="old")), json.dumps(topic.login()), LOGIN)
    sink = rotating(topic.sink(lambda: store("org123", LOGIN).decode()), store)
    with pytest.raises(RetryLater, match="The secret LOGIN has been replaced"):
        sink.deliver(topic.delivery(ROWS), NumberedRows(ROWS), SteadyPulse())
    assert sink.deliver(topic.delivery(ROWS), NumberedRows(ROWS), SteadyPulse())
    assert sorted(topic.rows()) == list(range(ROWS))
    store.set({"org123": {LOGIN: json.dumps(topic.login(password="wrong"))}})
    with pytest.raises(DestinationRefused, match="does not accept the credentials of secret LOGIN"):
        sink.deliver(topic.delivery(ROWS), NumberedRows(ROWS), SteadyPulse())


def test_a_certificate_of_another_name_is_not_trusted(topic: ExternalTopic) -> None:
    servers = topic.bootstrap.replace("localhost", "127.0.0.1")
    with pytest.raises(Unavailable, match="a trusted TLS connection to the Kafka cluster"):
        deliver(topic, topic.delivery(ROWS, bootstrap_servers=servers))
    assert topic.rows() == []


def test_a_certificate_of_an_unknown_authority_is_not_trusted(topic: ExternalTopic) -> None:
    secret = {"username": topic.user, "password": topic.password}
    with pytest.raises(Unavailable, match="a trusted TLS connection to the Kafka cluster"):
        deliver(topic, topic.delivery(ROWS), lambda: secret)


def test_a_topic_that_does_not_exist_fails_the_job(topic: ExternalTopic) -> None:
    delivery = topic.delivery(ROWS, topic="exports-of-nobody")
    with pytest.raises(DestinationRefused):
        deliver(topic, delivery)
    topics = topic.admin.list_topics(timeout=30).topics
    assert "exports-of-nobody" not in topics


def test_brokers_that_advertise_a_private_address_get_no_row(topic: ExternalTopic) -> None:
    looked_up: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        looked_up.append(host)
        return ["8.8.8.8"] if len(looked_up) == 1 else ["10.0.0.1"]

    with pytest.raises(DestinationRefused, match="advertises does not have a public address"):
        deliver(topic, topic.delivery(ROWS), resolve=resolve, insecure=False)
    assert topic.rows() == []


def test_servers_with_a_private_address_are_not_connected_to(topic: ExternalTopic) -> None:
    with pytest.raises(DestinationRefused, match="Kafka server's host does not have a public address"):
        deliver(topic, topic.delivery(ROWS), insecure=False)


@pytest.mark.parametrize(
    "secret",
    [
        "no JSON",
        {"username": "a"},
        {"username": "a", "password": "b", "more": "c"},
        {"username": "a", "password": "b", "certificate": "c"},
        {"token_endpoint": "https://example.com", "username": "a", "password": "b"},
    ],
)
def test_a_secret_that_is_none_is_refused_by_its_name(topic: ExternalTopic, secret: Any) -> None:
    with pytest.raises(DestinationRefused, match="The secret LOGIN must be a JSON object of username and"):
        deliver(topic, topic.delivery(ROWS), lambda: secret)


@pytest.mark.parametrize("endpoint", ["http://a@b/", "ftp://a", "no url"])
def test_a_token_endpoint_that_is_none_is_refused(topic: ExternalTopic, endpoint: str) -> None:
    delivery = topic.delivery(ROWS, sasl_mechanism="OAUTHBEARER")
    with pytest.raises(DestinationRefused, match="The token_endpoint"):
        deliver(topic, delivery, lambda: topic.login(token_endpoint=endpoint))


def test_a_key_that_is_none_is_refused_without_a_word_of_it(topic: ExternalTopic) -> None:
    secret = {"certificate": "hunter2", "private_key": "hunter2", "ca": topic.secured.authority}
    delivery = topic.delivery(ROWS, security_protocol="SSL", sasl_mechanism=None)
    with pytest.raises(DestinationRefused, match="The secret LOGIN does not hold usable") as refused:
        deliver(topic, delivery, lambda: secret)
    assert "hunter2" not in refused.value.message + refused.value.detail


@pytest.mark.parametrize("missing", ["OTHER", None])
def test_a_login_without_its_secret_is_refused(topic: ExternalTopic, missing: str | None) -> None:
    with pytest.raises(DestinationRefused, match=r"no secret named OTHER|needs credentials for SASL_SSL"):
        deliver(topic, topic.delivery(ROWS, credentials=missing))


def test_a_cluster_that_does_not_answer_is_left_at_once_when_the_job_ends(topic: ExternalTopic) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        servers = f"localhost:{silent.getsockname()[1]}"
        pulse = SteadyPulse()
        began = time.monotonic()

        def cancel() -> None:
            if time.monotonic() - began > 0.5:
                pulse.reason = DeliveryStopped("the job was cancelled")

        pulse.on_check = cancel
        with pytest.raises(DeliveryStopped):
            topic.sink().deliver(topic.delivery(ROWS, bootstrap_servers=servers), NumberedRows(ROWS), pulse)


def test_a_topic_in_plain_text_needs_no_login(topic: ExternalTopic, secure_kafka: LocalStack) -> None:
    plain = secure_kafka.endpoints["kafka_bootstrap"]
    delivery = topic.delivery(
        ROWS, bootstrap_servers=plain, security_protocol="PLAINTEXT", credentials=None, sasl_mechanism=None
    )
    assert deliver(topic, delivery)
    assert sorted(topic.rows()) == list(range(ROWS))


def test_a_marker_tells_what_is_committed(topic: ExternalTopic) -> None:
    delivery = topic.delivery(ROWS)
    assert not topic.markers().committed(delivery)
    assert deliver(topic, delivery)
    assert topic.markers().committed(delivery)
    with pytest.raises(DestinationRefused, match="credentials of secret LOGIN"):
        topic.markers(lambda: topic.login(password="wrong")).committed(delivery)
