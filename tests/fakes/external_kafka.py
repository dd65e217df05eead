"""Topics of a broker with authentication, and sinks that write to them like a job."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka.cimpl import NewTopic

from infra.local import kafka_rights
from infra.local.kafka_rights import GROUPS, TRANSACTIONS, Right, administrator
from infra.local.supervisor import LocalStack
from shared.destinations import destination
from shared.destinations.external_kafka.clusters import Clusters
from shared.destinations.external_kafka.markers import ExternalMarkers
from shared.destinations.external_kafka.presence import ExternalPresence
from shared.destinations.external_kafka.properties import Connections
from shared.destinations.external_kafka.sink import ExternalKafkaSink
from shared.destinations.guard import Guard, Resolve, system_connect, system_resolve
from shared.destinations.kafka.compatibility import RegistryPresence
from shared.destinations.kafka.settings import KafkaLimits
from shared.destinations.webhook.connections import Connections as HttpConnections
from shared.steps.sending import ChunkDelivery
from tests.fakes.kafka_readers import read_committed
from tests.fakes.schema_registries import registries
from tests.fakes.sending import delivery_to
from tests.fakes.webhook_sinks import loopback_connections

LOGIN = "LOGIN"


class ExternalTopic:
    """A topic and a user with the permissions that a delivery needs."""

    def __init__(
        self,
        stack: LocalStack,
        operations: Sequence[str] = ("WRITE", "READ", "DESCRIBE_CONFIGS"),
        rights: Iterable[Right] = (TRANSACTIONS, GROUPS),
    ) -> None:
        """``operations``: the user's permissions on the topic; ``rights``: its other permissions."""
        self.secured = stack.layout.secured_kafka
        self.bootstrap = stack.endpoints["external_kafka"]["bootstrap_servers"]
        self.name, self.user = (f"{kind}-{uuid.uuid4().hex[:8]}" for kind in ("rows", "user"))
        self.password = "words"
        self._inside = stack.endpoints["kafka_bootstrap"]
        self.admin = administrator(self._inside)
        created = self.admin.create_topics([NewTopic(self.name, 2, 1)], request_timeout=30)
        created[self.name].result(30)
        self.rotate(self.password)
        of_topic = [("TOPIC", self.name, "LITERAL", operation) for operation in operations]
        kafka_rights.grant(self.admin, self.user, [*of_topic, *rights])

    def rotate(self, password: str) -> None:
        """Change the user's password; existing connections stay open."""
        kafka_rights.set_password(self.admin, self.user, password)
        self.password = password

    def login(self, **changes: Any) -> dict[str, str]:
        """Return the secret's fields."""
        login = {"username": self.user, "password": self.password, "ca": self.secured.authority}
        return login | changes

    def delivery(self, rows: int, **options: Any) -> ChunkDelivery:
        given = {
            "bootstrap_servers": self.bootstrap,
            "topic": self.name,
            "sasl_mechanism": "SCRAM-SHA-512",
            "credentials": LOGIN,
        } | options
        named = destination(type="external_kafka", name="theirs", uid="theirs-uid", **given)
        return delivery_to(named, rows)

    def clusters(
        self,
        secret: Callable[[], Mapping[str, str] | str] | None = None,
        *,
        resolve: Resolve = system_resolve,
        insecure: bool = True,
        batch_rows: int = 1_024,
        http: HttpConnections | None = None,
    ) -> Clusters:
        """``secret``: its fields, or its text, at each read."""
        guard = Guard(resolve, system_connect, insecure=insecure)

        def secrets(_organization: str, name: str) -> bytes:
            if name != LOGIN:
                raise KeyError(name)
            found = (secret or self.login)()
            return (found if isinstance(found, str) else json.dumps(found)).encode()

        return Clusters(
            Connections(guard, secrets, most_bytes=16_777_216),
            guard,
            http or loopback_connections(),
            monotonic=time.monotonic,
            limits=KafkaLimits(least=0.0, batch_rows=batch_rows, step=20.0, topic=1.0),
        )

    def sink(
        self, secret: Callable[[], Mapping[str, str] | str] | None = None, **options: Any
    ) -> ExternalKafkaSink:
        return ExternalKafkaSink(self.clusters(secret, **options), least=0.0)

    def markers(self, secret: Callable[[], Mapping[str, str] | str] | None = None) -> ExternalMarkers:
        return ExternalMarkers(self.clusters(secret))

    def presence(
        self, secret: Callable[[], Mapping[str, str] | str] | None = None, **options: Any
    ) -> ExternalPresence:
        return ExternalPresence(
            self.clusters(secret, **options), RegistryPresence(registries(), time.monotonic)
        )

    def arrived(self) -> list[dict[str, Any]]:
        """Return all committed rows, with key and headers."""
        return read_committed(self._inside, self.name)

    def rows(self) -> list[int]:
        return [row["row"] for row in self.arrived()]
