"""The documentation's readers have each row once, though a chunk was delivered twice."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local import names
from shared.steps.sending import ChunkDelivery, Sink
from tests.fakes.documented import rows_of_reader
from tests.fakes.gcs_sinks import Buckets, gcs_client
from tests.fakes.pubsub_sinks import Topic, pubsub_sink
from tests.fakes.sending import NumberedRows, SteadyPulse
from tests.fakes.sns_sinks import SnsTopic, sns_sink
from tests.fakes.strict_gcs import strict_gcs

pytestmark = pytest.mark.emulator

ROWS = 25


def deliver(sink: Sink, delivery: ChunkDelivery) -> None:
    """The chunk twice, and another one behind it: a reader that counts repeats never comes to that."""
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
