"""Clients' clusters. The service connects with the client's credentials, and sends only if all brokers are
public.

librdkafka resolves names itself, so the address may have changed when it connects. A server at such an
address sees a TLS handshake and no rows, because it cannot have a certificate for the name.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from shared.destinations.external_kafka.complaints import Complaints
from shared.destinations.external_kafka.properties import MECHANISM, TOKENS, Connections
from shared.destinations.external_kafka.tokens import Tokens
from shared.destinations.guard import Guard
from shared.destinations.kafka.forms import Form, as_json
from shared.destinations.kafka.presence import require_topic
from shared.destinations.kafka.settings import KafkaLimits
from shared.destinations.kafka.sink import KafkaSink
from shared.destinations.webhook.connections import Connections as HttpConnections
from shared.domain.errors import DestinationRefused, RetryLater
from shared.steps.sending import ChunkDelivery, Pulse

_KEPT = 8
_ADMITTED = 60.0  # seconds for which the check of a broker's name is cached


class Cluster:
    """One cluster with one set of credentials, and a client that stays connected."""

    def __init__(
        self,
        properties: Mapping[str, Any],
        guard: Guard,
        *,
        monotonic: Callable[[], float],
        limits: KafkaLimits,
        form: Form = as_json,
    ) -> None:
        """``properties``: librdkafka's. Raises KafkaException if they are invalid."""
        self.properties = properties
        self._guard = guard
        self._monotonic = monotonic
        self._limits = limits
        self._complaints = Complaints(monotonic)
        self._admitted: dict[tuple[str, int], float] = {}
        asking: dict[str, Any] = {"allow.auto.create.topics": False, "error_cb": self._complaints.hear}
        self._admin = AdminClient({**properties, **asking})
        self.sink = KafkaSink(
            properties,
            monotonic=monotonic,
            limits=limits,
            admit=self._admit,
            form=form,
            open_admin=lambda _properties: self._admin,
        )

    def require(self, delivery: ChunkDelivery, topic: str, pulse: Pulse) -> None:
        """Connect, and check the cluster's brokers and its topic.

        Raises DestinationRefused if the cluster rejects the credentials, has a broker without a public
        address, or lacks the topic.
        """
        self._complaints.forget()
        pulse = _Listening(pulse, self._complaints, delivery)
        try:
            require_topic(
                self._admin, topic, pulse, limits=self._limits, monotonic=self._monotonic, admit=self._admit
            )
        except RetryLater as error:
            raise self._complaints.meaning(delivery) or error from error

    def _admit(self, metadata: Any) -> None:
        now = self._monotonic()
        for broker in metadata.brokers.values():
            place = str(broker.host), int(broker.port)
            if self._admitted.get(place, now) <= now:
                # A name that does not resolve is not admitted, unlike one of several bootstrap servers, which
                # librdkafka need not get. It looks this one up again, and the address may then be private.
                # The chunk would wait for the broker anyway, because a listed broker leads partitions.
                self._guard.addresses(*place, "host that a broker of the Kafka cluster advertises")
                self._admitted[place] = now + _ADMITTED


class Clusters:
    """The clusters of deliveries. Recently used ones stay connected."""

    def __init__(
        self,
        connections: Connections,
        guard: Guard,
        http: HttpConnections,
        *,
        monotonic: Callable[[], float],
        limits: KafkaLimits,
        form: Form = as_json,
    ) -> None:
        """``http``: the client that requests tokens."""
        self.monotonic = monotonic
        self.limits = limits
        self._connections = connections
        self._guard = guard
        self._http = http
        self._form = form
        self._known: dict[tuple[tuple[str, Any], ...], Cluster] = {}
        self._lock = threading.Lock()

    def of(self, delivery: ChunkDelivery) -> Cluster:
        """Return the delivery's cluster with its current credentials; DestinationRefused for invalid ones."""
        properties = self._connections.of(delivery)
        key = tuple(sorted(properties.items()))
        with self._lock:
            known = self._known.get(key)
        cluster = known or self._opened(delivery, properties)
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = cluster
            while len(self._known) > _KEPT:
                self._known.pop(next(iter(self._known)))
        return cluster

    def _opened(self, delivery: ChunkDelivery, properties: Mapping[str, Any]) -> Cluster:
        secret = delivery.destination.options.get("credentials", "")
        if properties.get(MECHANISM) == TOKENS:
            tokens = Tokens(self._http, properties, secret, time.time)
            # A new client waits for a token and does not report why it gets none. Report it here.
            tokens("")
            properties = {**properties, "oauth_cb": tokens}
        try:
            return Cluster(
                properties, self._guard, monotonic=self.monotonic, limits=self.limits, form=self._form
            )
        except KafkaException:
            # The error's text could show the secret.
            raise DestinationRefused(
                f"The secret {secret} does not hold usable credentials: certificate, private_key and ca must"
                " be in PEM, and the key must belong to the certificate"
            ) from None


class _Listening:
    """A pulse that also raises the cluster's complaints, because a failed login or TLS has no other
    answer.
    """

    def __init__(self, pulse: Pulse, complaints: Complaints, delivery: ChunkDelivery) -> None:
        self.checkpoint = pulse.checkpoint
        self.seconds_left = pulse.seconds_left
        self._pulse = pulse
        self._complaints = complaints
        self._delivery = delivery

    def check(self) -> None:
        self._pulse.check()
        if self._complaints.lasting and (error := self._complaints.meaning(self._delivery)):
            raise error
