"""The operator's `verify` on the whole stack: it names rows that were lost or duplicated on purpose."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from infra.local import environments
from infra.local.supervisor import LocalStack
from shared.operator.__main__ import main
from tests.e2e.support.client import kafka, webhook
from tests.e2e.support.kafka import messages
from tests.e2e.support.organizations import Organization
from tests.e2e.support.receiver import Receiver

pytestmark = pytest.mark.stack

TABLE = "base.assets.erc20_token_transfers"  # 999 of its rows are in March
Verify = Callable[..., tuple[int, str]]


@pytest.fixture
def organization(hasty_stack: LocalStack) -> Organization:
    return Organization.new(hasty_stack, "verified")


@pytest.fixture
def verify(
    hasty_stack: LocalStack,
    organization: Organization,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Verify:
    """Return the command's exit status and output."""
    for name, value in environments.function("stage", hasty_stack.options, hasty_stack.layout).items():
        monkeypatch.setenv(name, value)

    def run(job_id: str, *words: str) -> tuple[int, str]:
        try:
            status = main(["verify", organization.name, job_id, *words])
        except SystemExit as usage:
            status = int(usage.code or 0)
        return status, "".join(capsys.readouterr())

    return run


def sent(organization: Organization, *destinations: dict[str, Any]) -> str:
    """Send a job to these destinations; return its id when it is completed."""
    client = organization.client
    job_id = client.create(table=TABLE, destinations=list(destinations))
    client.completed(job_id)
    return job_id


def remove_first(organization: Organization, name: str) -> Any:
    """Make the broker delete a topic's first message, as too short a retention does."""
    bootstrap, topic = organization.stack.endpoints["kafka_bootstrap"], organization.topic(name)
    first = messages(bootstrap, topic)[0]
    before = TopicPartition(topic, first.partition(), first.offset() + 1)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for done in admin.delete_records([before]).values():
        done.result()
    return first


def repeat(organization: Organization, name: str) -> Any:
    """Send a topic's last message to it again."""
    bootstrap, topic = organization.stack.endpoints["kafka_bootstrap"], organization.topic(name)
    last = messages(bootstrap, topic)[-1]
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(topic, last.value(), last.key())
    assert producer.flush(60.0) == 0
    return last


def test_what_arrived_is_equal_to_the_receipt_and_to_the_table(
    organization: Organization, verify: Verify
) -> None:
    with Receiver() as receiver:
        job_id = sent(organization, kafka("all"), kafka("twice"), webhook("hook", receiver.url))
    sent(organization, kafka("all"))  # in the same minutes, to the same topic
    status, told = verify(job_id)
    assert status == 0, told
    assert "kafka all: equal: 1,998 rows were delivered, 1,998 were found; jobs that sent there" in told
    assert "kafka twice: equal: 999 rows were delivered, 999 were found\n" in told
    assert "webhook hook: the service cannot read it back" in told
    status, told = verify(job_id, "--table")
    assert status == 0, told
    assert "kafka all: equal: 1,998 rows are in the slice, 1,998 were found: 0 missing, 0 too many" in told


def test_a_lost_row_is_named_by_its_key(organization: Organization, verify: Verify) -> None:
    job_id = sent(organization, kafka("lossy"))
    lost = remove_first(organization, "lossy")
    status, told = verify(job_id)
    assert status == 1, told
    assert "kafka lossy: DIFFERENT: 999 rows were delivered, 998 were found" in told
    assert "missing: 1 rows; --table names them" in told
    status, told = verify(job_id, "--table")
    assert status == 1, told
    assert "1 missing, 0 too many" in told
    assert f"missing: key {lost.key().decode()}: {lost.value().decode()[:100]}" in told


def test_a_doubled_row_is_named_by_its_place(organization: Organization, verify: Verify) -> None:
    job_id = sent(organization, kafka("doubled"))
    doubled = repeat(organization, "doubled")
    status, told = verify(job_id, "--table")
    assert status == 1, told
    assert "999 rows are in the slice, 1,000 were found: 0 missing, 1 too many" in told
    key = doubled.key().decode()
    assert f"too many: partition {doubled.partition()}, offset {doubled.offset()}, key {key}: " in told


def test_a_lost_row_that_names_itself_is_named_by_chunk_and_row(
    organization: Organization, verify: Verify
) -> None:
    job_id = sent(organization, kafka("labelled") | {"delivery": "at_least_once"})
    status, told = verify(job_id)
    assert status == 0, told
    headers = dict(remove_first(organization, "labelled").headers())
    chunk, row = headers["beam-chunk"].decode(), headers["beam-row"].decode()
    status, told = verify(job_id)
    assert status == 1, told
    assert f"missing: job {job_id}, chunk {chunk}, row {row}\n" in told


def test_a_job_that_is_none_and_a_topic_that_is_gone_are_told(
    organization: Organization, verify: Verify
) -> None:
    status, told = verify("f47ac10b-58cc-4372-a567-0e02b2c3d479")
    assert status == 2
    assert "f47ac10b" in told
    job_id = sent(organization, kafka("gone"))
    bootstrap, topic = organization.stack.endpoints["kafka_bootstrap"], organization.topic("gone")
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for done in admin.delete_topics([topic]).values():
        done.result()
    status, told = verify(job_id)
    assert status == 1, told
    assert f"kafka gone: Kafka topic {topic} does not exist" in told
    assert verify("no-id")[0] == 2
