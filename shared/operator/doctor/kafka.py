"""Checks of Kafka: the brokers' settings, and each permission that the service needs."""

from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from shared.bootstrap.clients import monotonic, sleep
from shared.operator.doctor.checks import Check, NotAsked, Verdict, ok, verdict, wrong
from shared.operator.doctor.kafka_trial import MARK, SECONDS, TRANSACTION_SECONDS, VALUE, KafkaTrial, Refused
from shared.operator.doctor.once import once
from shared.operator.doctor.world import World

_SET = "in every broker's server.properties: {}"
_ACLS = "terraform -chdir=infra output -raw kafka_acls, which the broker's administrator runs"
_RIGHTS = "pass --kafka-admin, with the client settings of a user who may describe the brokers"
_LEAST_MESSAGE = 1_048_576
_PAUSE = 0.2


class Kafka:
    def __init__(self, world: World, trial: KafkaTrial) -> None:
        self._world = world
        self._trial = trial

    def checks(self) -> Sequence[Check]:
        topics, step = self._trial, self._step
        days = self._days
        return (
            Check(
                "kafka.brokers",
                "Do the brokers answer?",
                self._brokers,
                "gcloud secrets versions add backfills-kafka --data-file=kafka.json",
            ),
            Check(
                "kafka.auto-create",
                "Is the automatic creation of topics off?",
                lambda: self._setting("auto.create.topics.enable", lambda value: value == "false", "false"),
                _SET.format("auto.create.topics.enable=false"),
            ),
            Check(
                "kafka.offsets-retention",
                "Are markers kept as long as the service assumes?",
                lambda: self._setting(
                    "offsets.retention.minutes",
                    lambda value: int(value) >= days * 1440,
                    f"at least {days * 1440}",
                ),
                _SET.format(f"offsets.retention.minutes={days * 1440}"),
            ),
            Check(
                "kafka.transaction-timeout",
                "May a transaction take as long as a delivery?",
                lambda: self._setting(
                    "transaction.max.timeout.ms",
                    lambda value: int(value) >= TRANSACTION_SECONDS * 1000,
                    f"at least {TRANSACTION_SECONDS * 1000}",
                ),
                _SET.format("transaction.max.timeout.ms=900000"),
            ),
            Check(
                "kafka.message-size",
                "Do brokers accept messages of the usual size?",
                lambda: self._setting(
                    "message.max.bytes",
                    lambda value: int(value) >= _LEAST_MESSAGE,
                    f"at least {_LEAST_MESSAGE}",
                ),
                _SET.format(f"message.max.bytes={_LEAST_MESSAGE}"),
            ),
            Check(
                "kafka.topic-create",
                "May the service create topics?",
                step("kafka.topic-create", lambda: topics.created),
                _ACLS,
            ),
            Check(
                "kafka.topic-settings",
                "May it read a topic's settings?",
                step("kafka.topic-settings", self._topic_settings),
                _ACLS,
            ),
            Check(
                "kafka.transactions",
                "May it use transactions?",
                step("kafka.transactions", lambda: topics.opened),
                _ACLS,
            ),
            Check(
                "kafka.topic-write", "May it write?", step("kafka.topic-write", lambda: topics.written), _ACLS
            ),
            Check(
                "kafka.groups",
                "May it write markers, and read them?",
                step("kafka.groups", self._marker),
                _ACLS,
            ),
            Check(
                "kafka.topic-read",
                "Can committed messages be read?",
                step("kafka.topic-read", self._read),
                _ACLS,
            ),
            Check(
                "kafka.topic-delete",
                "May it remove topics?",
                step("kafka.topic-delete", lambda: topics.removed),
                _ACLS,
            ),
        )

    @property
    def _days(self) -> int:
        installed = self._world.installed
        return self._world.settings.kafka_marker_days if installed is None else installed.marker_days

    @once
    def _metadata(self) -> Any:
        try:
            return self._trial.admin.list_topics(timeout=SECONDS)
        except KafkaException as error:
            raise NotAsked(f"Kafka does not answer: {error.args[0].str()}") from error

    def _brokers(self) -> Verdict:
        brokers, wanted = len(self._metadata.brokers), self._world.settings.kafka_topic_replication
        if brokers < wanted:
            return wrong(f"{brokers} brokers cannot hold the {wanted} replicas of a topic")
        return ok(f"{brokers} of the cluster {self._metadata.cluster_id}")

    @once
    def _settings(self) -> dict[int, dict[str, str]]:
        """Return the settings by broker."""
        given = self._world.kafka_administrator
        admin = self._trial.admin if given is None else AdminClient({**given, "log_level": 0})
        resources = [ConfigResource(ResourceType.BROKER, str(number)) for number in self._metadata.brokers]
        found = {}
        for resource, answer in admin.describe_configs(resources, request_timeout=SECONDS).items():
            try:
                found[int(resource.name)] = {
                    name: str(entry.value) for name, entry in answer.result(SECONDS).items()
                }
            except KafkaException as error:
                raise NotAsked(
                    f"brokers do not return their settings ({error.args[0].str()}): {_RIGHTS}"
                ) from error
        return found

    def _setting(self, name: str, good: Callable[[str], bool], wanted: str) -> Verdict:
        faults = []
        for broker, settings in self._settings.items():
            value = settings.get(name)
            if value is None:
                raise NotAsked(f"broker {broker} does not return {name}")
            if not good(value):
                faults.append(f"broker {broker} has {name}={value}, should be {wanted}")
        return verdict(
            faults, f"{name} is {', '.join(sorted({one[name] for one in self._settings.values()}))}"
        )

    def _step(self, name: str, step: Callable[[], Any]) -> Callable[[], Verdict]:
        """Run the step. If an earlier step was refused, only the check of that step reports the fault."""

        def ask() -> Verdict:
            try:
                step()
            except Refused as refused:
                if refused.check != name:
                    raise NotAsked(f"{refused.check} explains why") from refused
                return wrong(str(refused))
            return ok("yes")

        return ask

    def _topic_settings(self) -> None:
        topic, until = self._trial.created, monotonic() + SECONDS
        while (error := self._why_not_described(topic)) is not None:
            # It takes a moment until every broker knows a new topic.
            if error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART or monotonic() > until:
                raise Refused("kafka.topic-settings", error.str())
            sleep(_PAUSE)

    def _why_not_described(self, topic: str) -> KafkaError | None:
        resource = ConfigResource(ResourceType.TOPIC, topic)
        (answer,) = self._trial.admin.describe_configs([resource], request_timeout=SECONDS).values()
        try:
            answer.result(SECONDS)
        except KafkaException as error:
            refusal: KafkaError = error.args[0]
            return refusal
        return None

    def _marker(self) -> None:
        if (found := self._trial.marker) != MARK:
            raise Refused("kafka.groups", f"the marker is read as {found}")

    def _read(self) -> None:
        if (found := self._trial.read) != [VALUE]:
            raise Refused("kafka.topic-read", f"{len(found)} messages are read instead of one")
