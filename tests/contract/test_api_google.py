"""The contract's rules for buckets and Pub/Sub topics as destinations of a create request."""

from typing import Any

import pytest

from shared.web.app import BACKFILLS
from tests.fakes.web import Service, backfill

TOPIC = "projects/some-project/topics/some-topic"


def gcs(**fields: Any) -> dict[str, Any]:
    return {"type": "gcs", "name": "lake", "bucket": "some-bucket"} | fields


def pubsub(**fields: Any) -> dict[str, Any]:
    return {"type": "pubsub", "name": "rows", "topic": TOPIC} | fields


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.mark.parametrize(
    "sink",
    [
        gcs(),
        gcs(bucket="a1_b-c"),
        gcs(bucket="exports.example.com"),
        gcs(prefix="a/b.c/", format="ndjson", delivery="exactly_once"),
        gcs(prefix="x" * 500, format="parquet"),
        gcs(prefix=".hidden "),
        pubsub(),
        pubsub(topic="projects/example.com:some-project/topics/a.b_c~d+e%f-9"),
        pubsub(ordering_key_column="token_address", delivery="at_least_once"),
    ],
)
def test_what_is_given_is_echoed(service: Service, sink: dict[str, Any]) -> None:
    service.created(backfill(destinations=[sink]))
    (item,) = service.call("GET", BACKFILLS).get_json()
    (told,) = item["destinations"]
    told.pop("uid")
    assert told == sink


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("bucket", value)
            for value in (
                *("", "ab", "a" * 64, "Upper", "-a-", "a-", "a b", "a/b", "gs://abc", "192.168.5.4", "ä-b"),
                *("a..b", ".abc", "abc\n", "a.b." * 60 + "com", None, 5),
            )
        ),
        *(
            ("prefix", value)
            for value in ("", "/a", "..", "a/../b", "a..", "x" * 501, "a\n", "a\x00", "ä", 5, ["a"])
        ),
        *(("format", value) for value in ("avro", "Parquet", "", 5)),
        *(("delivery", value) for value in ("at_least_once", "", 5)),
        ("topic", TOPIC),
    ],
)
def test_each_fault_of_a_bucket_is_named_with_its_field(service: Service, field: str, value: Any) -> None:
    (fault,) = service.faults(backfill(destinations=[gcs(**{field: value})]))
    assert fault["loc"] == ["body", "destinations", 0, field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("topic", value)
            for value in (
                *("", "some-topic", "projects/some-project/topics/ab", "projects/p/topics/some-topic"),
                *("projects/123456789/topics/some-topic", "projects/some-project/topics/1abc"),
                *("projects/some-project/subscriptions/some-topic", f"{TOPIC}\n", f"{TOPIC}/x", f"/{TOPIC}"),
                *(f"projects/some-project/topics/{'x' * 256}", None, 5),
            )
        ),
        *(("ordering_key_column", value) for value in ("", "Upper", "a b", '"a"', "1a", "x" * 256, 5)),
        *(("delivery", value) for value in ("exactly_once", "", 5)),
        ("bucket", "some-bucket"),
    ],
)
def test_each_fault_of_a_topic_is_named_with_its_field(service: Service, field: str, value: Any) -> None:
    (fault,) = service.faults(backfill(destinations=[pubsub(**{field: value})]))
    assert fault["loc"] == ["body", "destinations", 0, field]


@pytest.mark.parametrize(
    ("sink", "reason"),
    [(gcs(delivery="at_least_once"), "one object"), (pubsub(delivery="exactly_once"), "attributes")],
)
def test_another_guarantee_is_refused_with_its_reason(
    service: Service, sink: dict[str, Any], reason: str
) -> None:
    (fault,) = service.faults(backfill(destinations=[sink]))
    assert reason in fault["msg"]
