"""The doctor on brokers with settings that the service does not expect."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from shared.config import read
from shared.operator.doctor.checks import State, Verdict, carry_out
from shared.operator.doctor.google import Google
from shared.operator.doctor.kafka import Kafka
from shared.operator.doctor.secrecy import Secrecy
from shared.operator.doctor.world import World
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from shared.operator.doctor.kafka_trial import KafkaTrial

GOOD = {
    "auto.create.topics.enable": "false",
    "offsets.retention.minutes": "10080",
    "transaction.max.timeout.ms": "900000",
    "message.max.bytes": "1048588",
}


class Brokers:
    """An administrator's client of two brokers; ``settings`` None: nobody may read them."""

    def __init__(self, second: dict[str, str] | None) -> None:
        self._settings: list[dict[str, str] | None] = [GOOD, second]

    def list_topics(self, timeout: float) -> Any:
        assert timeout > 0
        return SimpleNamespace(brokers={0: "first", 1: "second"}, cluster_id="cluster")

    def describe_configs(self, resources: list[Any], **_: Any) -> dict[Any, Future[dict[str, Any]]]:
        answers = {}
        for resource in resources:
            answers[resource] = answer = Future[dict[str, Any]]()
            settings = self._settings[int(resource.name)]
            if settings is None:
                denied = KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED)
                answer.set_exception(KafkaException(denied))
            else:
                answer.set_result({name: SimpleNamespace(value=value) for name, value in settings.items()})
        return answers


def asked(second: dict[str, str] | None) -> dict[str, Verdict]:
    """Return the results of the brokers' settings checks."""
    world = World(
        settings=read({"GOOGLE_CLOUD_PROJECT": "example", "KAFKA_MARKER_DAYS": "7"}),
        interfaces=Google("example"),
        secrecy=Secrecy(),
        now=FakeClock().now,
    )
    trial = cast("KafkaTrial", SimpleNamespace(admin=Brokers(second)))
    checks = Kafka(world, trial).checks()[:5]
    return {check.name: carry_out(check).verdict for check in checks}


def test_settings_as_the_service_counts_on_are_good() -> None:
    found = asked(GOOD)
    assert len(found) == 5
    assert {verdict.state for verdict in found.values()} == {State.OK}


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("kafka.auto-create", "auto.create.topics.enable", "true"),
        ("kafka.offsets-retention", "offsets.retention.minutes", "1440"),
        ("kafka.transaction-timeout", "transaction.max.timeout.ms", "60000"),
        ("kafka.message-size", "message.max.bytes", "1000"),
    ],
)
def test_one_broker_with_another_setting_is_named(name: str, setting: str, value: str) -> None:
    found = asked(GOOD | {setting: value})
    assert {check for check, verdict in found.items() if verdict.state is State.WRONG} == {name}
    assert f"broker 1 has {setting}={value}, should be" in found[name].says
    assert "broker 0" not in found[name].says


def test_settings_that_may_not_be_asked_for_are_not_taken_for_good() -> None:
    found = asked(None)
    assert found.pop("kafka.brokers").state is State.OK
    assert {verdict.state for verdict in found.values()} == {State.UNKNOWN}
    assert all("pass --kafka-admin" in verdict.says for verdict in found.values())


def test_a_setting_that_a_broker_does_not_tell_is_not_taken_for_good() -> None:
    found = asked({name: value for name, value in GOOD.items() if name != "message.max.bytes"})
    assert found["kafka.message-size"] == Verdict(State.UNKNOWN, "broker 1 does not return message.max.bytes")
