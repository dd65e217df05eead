"""The fields of an external Kafka topic: accepted and returned as given, or refused by their place."""

from typing import Any

import pytest

from shared.web.routes import BACKFILLS
from tests.fakes.web import Service, backfill


@pytest.fixture
def service() -> Service:
    return Service()


def theirs(**changes: Any) -> dict[str, Any]:
    return {
        "type": "external_kafka",
        "name": "theirs",
        "bootstrap_servers": "kafka.example.com:9093",
        "topic": "rows",
        "credentials": "LOGIN",
    } | changes


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bootstrap_servers": "a.example.com:1,b_c.example.com:65535,[2001:db8::1]:9092,192.0.2.1:9092"},
        {"security_protocol": "SSL", "topic": "A-b_c.d", "delivery": "at_least_once"},
        {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "key_column": "block_hash"},
        {"sasl_mechanism": "OAUTHBEARER", "delivery": "exactly_once", "topic": "_a"},
        {"topic": "_"},
        *({"topic": start + "x" * (249 - len(start))} for start in ("", "_", ".", "..")),
    ],
)
def test_taken_and_echoed_as_given(service: Service, options: dict[str, Any]) -> None:
    job_id = service.created(backfill(destinations=[theirs(**options)]))
    (shown,) = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"]
    assert {name: value for name, value in shown.items() if name not in {"uid", "state"}} == theirs(**options)


@pytest.mark.parametrize(
    "servers",
    [
        "",
        "a",
        "a:",
        ":1",
        "a:0",
        "a:65536",
        "a:x",
        "a:1,",
        "a:1, b:2",
        "a b:1",
        "SSL://a:1",
        "u@a:1",
        ",".join(["a:1"] * 11),
        "-a:1",
        "[fe]:1",
        "[:::::]:1",
        ["a:1"],
        5,
    ],
)
def test_any_other_servers_are_refused(service: Service, servers: Any) -> None:
    (fault,) = service.faults(backfill(destinations=[theirs(bootstrap_servers=servers)]))
    assert fault["loc"] == ["body", "destinations", 0, "bootstrap_servers"]


@pytest.mark.parametrize(
    "topic",
    [
        "",
        ".",
        "..",
        "__consumer_offsets",
        "__transaction_state",
        "a b",
        "a/b",
        "é",
        "x" * 250,
        "." + "x" * 249,
        5,
    ],
)
def test_any_other_topic_is_refused(service: Service, topic: Any) -> None:
    (fault,) = service.faults(backfill(destinations=[theirs(topic=topic)]))
    assert fault["loc"] == ["body", "destinations", 0, "topic"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"security_protocol": "PLAINTEXT"}, "security_protocol"),
        ({"security_protocol": "SASL_PLAINTEXT"}, "security_protocol"),
        ({"security_protocol": "TLS"}, "security_protocol"),
        ({"sasl_mechanism": "GSSAPI"}, "sasl_mechanism"),
        ({"credentials": "a-b"}, "credentials"),
        ({"credentials": {"username": "a", "password": "b"}}, "credentials"),
        ({"delivery": "maybe"}, "delivery"),
        ({"password": "hunter2"}, "password"),
    ],
)
def test_anything_else_is_refused_by_its_place(service: Service, options: dict[str, Any], field: str) -> None:
    (fault,) = service.faults(backfill(destinations=[theirs(**options)]))
    assert fault["loc"] == ["body", "destinations", 0, field]


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_brokers_without_tls_need_the_local_switch(protocol: str) -> None:
    local = Service(allow_insecure_destinations=True)
    local.created(backfill(destinations=[theirs(security_protocol=protocol)]))
