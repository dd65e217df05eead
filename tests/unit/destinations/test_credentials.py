"""Secrets of destinations: which fields they have, and which suffice for a private certificate authority."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from infra.local.authority import Authority
from shared.destinations import destination
from shared.destinations.external_kafka.properties import Connections
from shared.destinations.guard import Guard, system_connect
from shared.destinations.nats.login import Login, login
from shared.domain.errors import DestinationRefused
from tests.fakes.sending import delivery_to

PEM = Authority().pem
LOGS_IN = {"username": "u", "password": "p"}
CERTIFICATE = {"certificate": "c", "private_key": "k"}
LOGIN = "username and password"
TOKEN = f"{LOGIN} and token_endpoint"
ENDPOINT = {"token_endpoint": "https://example.com/token"}


def kafka(secret: Any, **options: Any) -> Mapping[str, Any]:
    """Return what librdkafka is told for a cluster with this secret."""
    given = {"bootstrap_servers": "b.example.com:9093", "topic": "rows", "credentials": "LOGIN"} | options
    delivery = delivery_to(destination(type="external_kafka", name="k", uid="u", **given), 1)
    guard = Guard(lambda _host, _port: ["8.8.8.8"], system_connect, insecure=False)
    return Connections(guard, lambda *_: json.dumps(secret).encode(), most_bytes=1_000).of(delivery)


def nats(secret: Any) -> Login:
    given = {"servers": ["n.example.com"], "subject": "rows", "credentials": "BUS"}
    delivery = delivery_to(destination(type="nats", name="n", uid="u", **given), 1)
    return login(delivery, lambda *_: json.dumps(secret).encode())


def test_kafka_with_ssl_needs_nothing_beside_the_authority() -> None:
    told = kafka({"ca": PEM}, security_protocol="SSL")
    assert (told["security.protocol"], told["ssl.ca.pem"]) == ("SSL", PEM)
    assert "ssl.certificate.pem" not in told
    assert "sasl.mechanism" not in told


def test_nats_needs_nothing_beside_the_authority() -> None:
    found = nats({"ca": PEM})
    assert found.arguments == {}
    assert found.tls is not None
    assert len(found.tls.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("secret", "options"),
    [
        (CERTIFICATE, {"security_protocol": "SSL"}),
        (CERTIFICATE | {"ca": PEM}, {"security_protocol": "SSL"}),
        (LOGS_IN, {}),
        (LOGS_IN | CERTIFICATE | {"ca": PEM}, {}),
        (LOGS_IN | ENDPOINT | {"scope": "rows"}, {"sasl_mechanism": "OAUTHBEARER"}),
        (LOGS_IN | {"scope": "rows"}, {}),  # one secret for destinations with and without tokens
        ({"ca": PEM, "scope": "rows"}, {"security_protocol": "SSL"}),
    ],
)
def test_complete_secrets_are_taken_with_and_without_the_authority(
    secret: dict[str, str], options: dict[str, str]
) -> None:
    assert kafka(secret, **options)["bootstrap.servers"] == "b.example.com:9093"


@pytest.mark.parametrize(
    ("secret", "options", "told"),
    [
        *(
            (
                secret,
                {"security_protocol": "SSL"},
                "certificate and private_key, optionally with ca, or of ca alone",
            )
            for secret in ({}, LOGS_IN, {"ca": PEM, "certificate": "c"}, {"scope": "s"}, {"ca": 5})
        ),
        (
            {"ca": PEM},
            {},
            f"{LOGIN} or {LOGIN} and certificate and private_key, optionally with ca",
        ),
        (
            LOGS_IN,
            {"sasl_mechanism": "OAUTHBEARER"},
            f"{TOKEN} or {TOKEN} and certificate and private_key, optionally with ca and scope",
        ),
    ],
)
def test_any_other_secret_of_kafka_fails_the_job_naming_all_fields(
    secret: Any, options: dict[str, str], told: str
) -> None:
    with pytest.raises(DestinationRefused) as refused:
        kafka(secret, **options)
    assert refused.value.message == f"The secret LOGIN must be a JSON object of {told}"


@pytest.mark.parametrize("secret", [{}, [], "ca", {"ca": PEM, "user": "u"}, {"ca": PEM, "more": "m"}])
def test_any_other_secret_of_nats_fails_the_job_naming_all_fields(secret: Any) -> None:
    told = "user and password or token or creds, optionally with ca, or of ca alone"
    with pytest.raises(DestinationRefused, match=f"must be a JSON object of {told}$"):
        nats(secret)
