"""The documentation's readers store each row once, though a chunk was delivered twice."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local import names
from shared.destinations.kafka.names import topic_of
from shared.domain.errors import DestinationRefused
from shared.steps.sending import ChunkDelivery, Sink
from tests.fakes.documented import program, rows_of_reader, run
from tests.fakes.gcs_sinks import Buckets, gcs_client
from tests.fakes.kafka_sinks import kafka_sink, kafka_topics
from tests.fakes.nats_sinks import Subject, nats_server, nats_sink
from tests.fakes.pubsub_sinks import Topic, pubsub_sink
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to, kafka_destination
from tests.fakes.sns_sinks import SnsTopic, sns_sink
from tests.fakes.strict_gcs import strict_gcs
from tests.shown import block

pytestmark = pytest.mark.emulator

ROWS = 25


def deliver(sink: Sink, delivery: ChunkDelivery) -> None:
    """Deliver the chunk twice and then another one, which a reader that counts repeats never reaches."""
    for one in (delivery, delivery, replace(delivery, chunk=4)):
        assert sink.deliver(one, NumberedRows(ROWS), SteadyPulse())


def check(found: list[tuple[str, str, int, str]], delivery: ChunkDelivery) -> None:
    expected = [(delivery.job_id, chunk, row) for row in range(ROWS) for chunk in ("3", "4")]
    assert sorted((job, row, chunk) for job, chunk, row, _ in found) == sorted(
        (job, row, chunk) for job, chunk, row in expected
    )
    assert all(json.loads(body)["row"] == row for _, _, row, body in found)


def test_of_sns(sns_url: str, tmp_path: Path) -> None:
    topic = SnsTopic(sns_url)
    delivery = topic.delivery(ROWS)
    deliver(sns_sink(), delivery)
    environment = {
        "ROWS": str(2 * ROWS),
        "QUEUE_URL": topic.queue,
        "AWS_ENDPOINT_URL": sns_url,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    check(rows_of_reader("sns.md", tmp_path, environment), delivery)


def test_of_pubsub(pubsub_host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_host)
    topic = Topic()
    delivery = topic.delivery(ROWS)
    deliver(pubsub_sink(), delivery)
    environment = {
        "ROWS": str(2 * ROWS),
        "SUBSCRIPTION": topic.subscription,
        "PUBSUB_EMULATOR_HOST": pubsub_host,
    }
    check(rows_of_reader("pubsub.md", tmp_path, environment), delivery)


def test_the_permissions_and_the_stream_of_nats_suffice(tmp_path: Path) -> None:
    config, made = block("docs/destinations/nats.md", "permissions", "text"), program("nats.md", "stream")
    login = {"user": "owner", "password": "other-words"}
    with nats_server(tmp_path, config) as host:
        run(made, tmp_path, {"SERVER": f"nats://owner:other-words@{host}"})
        subject = Subject(host, login, name="unused")
        delivery = subject.delivery(ROWS, subject="exports.rows", credentials="NATS_LOGIN")
        secret = json.dumps({"user": "backfills", "password": "whole-words"}).encode()
        sink = nats_sink(lambda _organization, name: {"NATS_LOGIN": secret}[name])
        for _ in range(2):
            assert sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
        subject.name = "exports"
        assert subject.rows() == list(range(ROWS))
        gone = subject.delivery(ROWS, subject="exports.others", credentials="NATS_LOGIN")
        with pytest.raises(DestinationRefused, match=r"may not publish to subject exports\.others"):
            sink.deliver(gone, NumberedRows(ROWS), SteadyPulse())


def test_of_nats(nats_host: str, tmp_path: Path) -> None:
    subject = Subject(nats_host, stream={"duplicate_window": 0.1})
    delivery = subject.delivery(ROWS)
    sink = nats_sink()
    for one in (delivery, delivery, replace(delivery, chunk=4)):
        assert sink.deliver(one, NumberedRows(ROWS), SteadyPulse())
        time.sleep(0.2)  # the stream forgets the ids it has seen, and accepts repeats
    assert len(subject.received()) == 3 * ROWS
    environment = {"ROWS": str(2 * ROWS), "SERVER": f"nats://{nats_host}", "SUBJECT": f"{subject.name}.rows"}
    check(rows_of_reader("nats.md", tmp_path, environment), delivery)


@pytest.mark.parametrize("page", ["kafka.md", "external_kafka.md"])
@pytest.mark.parametrize("mode", ["exactly_once", "at_least_once"])
def test_of_kafka(kafka_bootstrap: str, tmp_path: Path, page: str, mode: str) -> None:
    topics, delivery = kafka_topics(kafka_bootstrap), delivery_to(kafka_destination(mode), ROWS)
    topics.create(topic_of(delivery))
    deliver(kafka_sink(kafka_bootstrap), delivery)
    environment = {
        "ROWS": str(2 * ROWS),
        "KAFKA": json.dumps({"bootstrap.servers": kafka_bootstrap}),
        "TOPIC": topic_of(delivery),
    }
    found = rows_of_reader(page, tmp_path, environment)
    if mode == "at_least_once":
        check(found, delivery)
    assert sorted(json.loads(body)["row"] for *_, body in found) == sorted([*range(ROWS)] * 2)
    topics.delete(topic_of(delivery))


def test_of_buckets(gcs_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with strict_gcs(gcs_url) as url:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        buckets = Buckets(gcs_client())
        delivery = buckets.delivery(ROWS, format="ndjson", prefix="exports/")
        deliver(buckets.sink(), delivery)
        environment = {
            "BUCKET": buckets.exports.name,
            "FOLDER": f"exports/{delivery.job_id}/",
            "STORAGE_EMULATOR_HOST": url,
            "GOOGLE_CLOUD_PROJECT": names.PROJECT,
        }
        check(rows_of_reader("gcs.md", tmp_path, environment), delivery)
        shown = block("docs/destinations/gcs.md", "message", "text").partition("\n\n")[0].splitlines()
        example = dict(line.split(": ") for line in shown)
        (blob,) = buckets.client.list_blobs(
            buckets.exports, prefix=f"exports/{delivery.job_id}/", max_results=1
        )
        assert example.keys() == {"name", *blob.metadata}
        assert len(example["name"].rpartition("/")[2]) == len("00000003.ndjson")
        assert blob.name.endswith("/00000003.ndjson")
