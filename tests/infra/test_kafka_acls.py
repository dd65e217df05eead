"""The broker's rights: enough for all that the service does, and each of them needed.

Tried on Apache Kafka with its own authorizer, where the service signs in over SASL and is nobody else.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter
from confluent_kafka.admin._acl import AclOperation as Operation
from confluent_kafka.admin._acl import AclPermissionType as Permission
from confluent_kafka.admin._resource import ResourcePatternType as Pattern
from confluent_kafka.admin._resource import ResourceType as Resource

from infra.local import broker, kafka_jars
from infra.local.ports import LOOPBACK, free_ports
from infra.local.process import Process
from shared.destinations.kafka.names import topic_of
from shared.destinations.kafka.settings import KafkaLimits
from shared.destinations.kafka.settling import SettledMarkers
from shared.destinations.kafka.sink import KafkaSink
from shared.destinations.kafka.topics import KafkaTopics
from shared.domain.errors import BackfillError
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to, kafka_destination
from tests.infra.conftest import Changed
from tests.infra.deployed import KAFKA

pytestmark = pytest.mark.emulator

_COMMAND = re.compile(
    r'kafka-acls\.sh --bootstrap-server "\$BOOTSTRAP" --command-config admin\.properties --add --force '
    r"--allow-principal User:backfills --resource-pattern-type prefixed "
    r"--(?P<resource>[a-z-]+) (?P<prefix>\S+)(?P<operations>( --operation \w+)+)"
)
_KINDS = {
    "topic": Resource.TOPIC,
    "group": Resource.GROUP,
    "transactional-id": Resource.TRANSACTIONAL_ID,
}
_OPERATIONS = {
    "Create": Operation.CREATE,
    "Delete": Operation.DELETE,
    "DescribeConfigs": Operation.DESCRIBE_CONFIGS,
    "Read": Operation.READ,
    "Write": Operation.WRITE,
}
_PASSWORD = "made-up"
# (kind of resource, prefix, operation)
Right = tuple[str, str, str]


@pytest.fixture(scope="module")
def rights(changed: Changed) -> list[Right]:
    """Return the permissions that the deployment requests from the broker's administrator."""
    found = []
    for line in changed(kafka=KAFKA).outputs["kafka_acls"].splitlines():
        match = _COMMAND.fullmatch(line)
        assert match is not None, line
        operations = match["operations"].replace("--operation", "").split()
        found += [(match["resource"], match["prefix"], operation) for operation in operations]
    return found


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Start a broker with authorization: the unrestricted port, and the service's port."""
    if not kafka_jars.FOLDER.is_dir():
        pytest.skip("a broker of the tests' own is needed; KAFKA_BOOTSTRAP's is not set up for that")
    folder = tmp_path_factory.mktemp("guarded-kafka")
    port, controller, guarded = free_ports(3)
    command = broker.command(folder, port, controller)
    listeners = f"PLAINTEXT://{LOOPBACK}:{port},GUARDED://{LOOPBACK}:{guarded}"
    settings = {
        "listeners": f"{listeners},CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_PLAINTEXT",
        "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.guarded.plain.sasl.jaas.config": (
            f'org.apache.kafka.common.security.plain.PlainLoginModule required user_backfills="{_PASSWORD}";'
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    with (folder / "server.properties").open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in settings.items())
    process = Process(command, {}, folder / "log")
    process.start()
    try:
        _wait_until_ready(port, process)
        yield port, guarded
    finally:
        process.end()


@pytest.fixture
def grant(ports: tuple[int, int]) -> Iterator[Callable[[list[Right]], None]]:
    """Return a function that grants the service permissions until the test ends."""
    admin = AdminClient({"bootstrap.servers": f"{LOOPBACK}:{ports[0]}", "log_level": 0})

    def give(rights: list[Right]) -> None:
        bindings = [
            AclBinding(
                _KINDS[kind],
                prefix,
                Pattern.PREFIXED,
                "User:backfills",
                "*",
                _OPERATIONS[operation],
                Permission.ALLOW,
            )
            for kind, prefix, operation in rights
        ]
        for granted in admin.create_acls(bindings).values():
            granted.result(15)

    yield give
    any_: Any = None  # the types leave no room for it
    everything = AclBindingFilter(Resource.ANY, any_, Pattern.ANY, any_, any_, Operation.ANY, Permission.ANY)
    for removed in admin.delete_acls([everything]).values():
        removed.result(15)


def test_with_these_rights_the_service_does_all_it_does(
    ports: tuple[int, int], grant: Callable[[list[Right]], None], rights: list[Right]
) -> None:
    grant(rights)
    _live(ports[1])


@pytest.mark.parametrize(
    "missing",
    [
        ("topic", "Create"),
        ("topic", "Delete"),
        ("topic", "Read"),
        ("topic", "Write"),
        ("group", "Read"),
        ("transactional-id", "Write"),
    ],
    ids=" ".join,
)
def test_without_any_of_them_it_does_not(
    ports: tuple[int, int],
    grant: Callable[[list[Right]], None],
    rights: list[Right],
    missing: tuple[str, str],
) -> None:
    assert len(rights) == 7
    left = [right for right in rights if (right[0], right[2]) != missing]
    assert len(left) == len(rights) - 1
    grant(left)
    with pytest.raises(BackfillError):
        _live(ports[1])


def test_without_the_right_to_ask_what_a_topic_takes_it_finds_out_by_itself(
    ports: tuple[int, int], grant: Callable[[list[Right]], None], rights: list[Right]
) -> None:
    grant([right for right in rights if right[2] != "DescribeConfigs"])
    _live(ports[1])


def _live(port: int) -> None:
    """Run a job's life on the broker: create its topic, send and look up a chunk each way, remove the
    topic.
    """
    client: Mapping[str, Any] = {
        "bootstrap.servers": f"{LOOPBACK}:{port}",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "backfills",
        "sasl.password": _PASSWORD,
        "log_level": 0,
    }
    topics = KafkaTopics(
        client, partitions=2, replication=-1, config={}, timeout=10, monotonic=time.monotonic
    )
    limits = KafkaLimits(least=0, step=5, message=5, topic=2)
    sink = KafkaSink(client, monotonic=time.monotonic, limits=limits)
    exactly, once = delivery_to(kafka_destination(), 10), delivery_to(kafka_destination("at_least_once"), 10)
    for delivery in (exactly, once):
        assert not topics.exists(topic_of(delivery))
        assert topics.create(topic_of(delivery))
        assert sink.deliver(delivery, NumberedRows(10), SteadyPulse())
    assert sink.markers.committed(exactly)
    assert SettledMarkers(client, timeout=5, monotonic=time.monotonic).committed(exactly)
    for delivery in (exactly, once):
        topics.delete(topic_of(delivery))


def _wait_until_ready(port: int, process: Process) -> None:
    until = time.monotonic() + 60
    admin = AdminClient({"bootstrap.servers": f"{LOOPBACK}:{port}", "log_level": 0})
    while True:
        try:
            admin.list_topics(timeout=1)
        except KafkaException:
            assert process.running, process.output()
            assert time.monotonic() < until, process.output()
        else:
            return
