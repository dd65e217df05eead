"""If a service is unreachable or refuses us, the log has its client's own error, without secrets."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.adapters.secrets_file import FileSecrets
from shared.adapters.snowflake import SnowflakeUnloads
from shared.bootstrap.logs import log
from shared.config import ConfigurationError, read
from shared.destinations.kafka.topics import KafkaTopics
from shared.domain.errors import BackfillError
from tests.fakes.clock import FakeClock
from tests.unit.conftest import Logged, logged

__all__ = ["logged"]

CANARY = "c4n4ry-5a1d-0f-4-secret"


def snowflake(port: int, **secret: str) -> Callable[[], object]:
    connect = {
        "account": "local",
        "user": "backfills",
        "host": "127.0.0.1",
        "port": port,
        "protocol": "http",
        "login_timeout": 2,
        **secret,
    }
    unloads = SnowflakeUnloads(connect, location_stage="A.B.C", statement_timeout=60)
    return lambda: unloads.describe("base.assets.transfers")


def kafka(port: int, **properties: str) -> Callable[[], object]:
    client = {
        "bootstrap.servers": f"127.0.0.1:{port}",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "backfills",
        "sasl.password": CANARY,
        **properties,
    }
    clock = FakeClock()
    topics = KafkaTopics(
        client, partitions=1, replication=1, config={}, timeout=2.0, monotonic=clock.monotonic
    )
    return lambda: topics.exists("beam.acme.transfers")


def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def told(error: BaseException) -> str:
    """Return everything that the log would contain, including causes."""
    log(logging.ERROR, str(error), {"detail": getattr(error, "detail", "")}, error=error)
    return repr(error)


@pytest.mark.parametrize(
    "connect",
    [
        lambda port: snowflake(port, password=CANARY),
        lambda port: snowflake(port, password="p", passcode=CANARY),
        lambda port: snowflake(port, token=CANARY, authenticator="oauth"),
        kafka,
    ],
    ids=["password", "passcode", "token", "SASL password"],
)
def test_a_part_that_can_not_be_reached(
    connect: Callable[[int], Callable[[], object]], free_tcp_port: int, logged: Logged
) -> None:
    with pytest.raises(BackfillError) as raised:
        connect(free_tcp_port)()
    assert CANARY not in told(raised.value)
    assert CANARY not in json.dumps(logged())


def test_a_private_key_of_snowflake(free_tcp_port: int, logged: Logged) -> None:
    pem = private_key()
    with pytest.raises(BackfillError) as raised:
        snowflake(free_tcp_port, authenticator="SNOWFLAKE_JWT", private_key=pem)()
    text = told(raised.value) + json.dumps(logged())
    assert [line for line in pem.splitlines() if len(line) > 40 and line in text] == []


def test_a_part_that_refuses_its_settings(logged: Logged) -> None:
    """Librdkafka quotes an unknown property's name, and not its value."""
    with pytest.raises(Exception, match=r".") as raised:
        kafka(9, **{"sasl.passwort": CANARY})()
    assert CANARY not in told(raised.value)
    assert CANARY not in json.dumps(logged())


@pytest.mark.parametrize("text", ['{"acme": {"KEY": "' + CANARY + '"}', f'"{CANARY}"'])
def test_a_file_of_secrets_that_is_broken(tmp_path: Path, text: str, logged: Logged) -> None:
    (tmp_path / "secrets.json").write_text(text)
    with pytest.raises(Exception, match=r".") as raised:
        FileSecrets(tmp_path / "secrets.json")("acme", "KEY")
    assert CANARY not in told(raised.value)
    assert CANARY not in json.dumps(logged())


@pytest.mark.parametrize("name", ["SNOWFLAKE_CONNECT", "KAFKA_CLIENT"])
def test_settings_that_can_not_be_read(name: str, logged: Logged) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read({"GOOGLE_CLOUD_PROJECT": "project", name: '{"password": "' + CANARY})
    assert CANARY not in str(raised.value)
    log(logging.ERROR, str(raised.value), {})
    assert CANARY not in json.dumps(logged())
