"""The fields of a Pub/Sub topic as a destination: accepted and returned as given, or refused by their
place.
"""

from typing import Any

import pytest

from shared.web.routes import BACKFILLS
from tests.fakes.web import Service, backfill

TOPIC = "projects/their-project/topics/rows"


@pytest.fixture
def service() -> Service:
    return Service()


def events(**changes: Any) -> dict[str, Any]:
    return {"type": "pubsub", "name": "events", "topic": TOPIC} | changes


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ordering_key_column": "token_address", "delivery": "at_least_once"},
        {"topic": "projects/p12345/topics/A.b_c~d+e%f-g"},
    ],
)
def test_taken_and_echoed_as_given(service: Service, options: dict[str, Any]) -> None:
    job_id = service.created(backfill(destinations=[events(**options)]))
    (shown,) = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"]
    assert {name: value for name, value in shown.items() if name not in {"uid", "state"}} == events(**options)


@pytest.mark.parametrize(
    "topic",
    [
        *("", "rows", "topics/rows", "projects/their-project/topics/", "projects/P/topics/rows"),
        *("projects/their-project/topics/1rows", TOPIC + "/x", TOPIC + " "),
        *("projects/their-project/subscriptions/rows", "projects/their-project/topics/" + "x" * 256, 5),
    ],
)
def test_any_other_topic_is_refused(service: Service, topic: Any) -> None:
    (fault,) = service.faults(backfill(destinations=[events(topic=topic)]))
    assert fault["loc"] == ["body", "destinations", 0, "topic"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"ordering_key_column": "a b"}, "ordering_key_column"),
        ({"ordering_key_column": ""}, "ordering_key_column"),
        ({"delivery": "exactly_once"}, "delivery"),
        ({"url": "https://example.com"}, "url"),
    ],
)
def test_anything_else_is_refused_by_its_place(service: Service, options: dict[str, Any], field: str) -> None:
    (fault,) = service.faults(backfill(destinations=[events(**options)]))
    assert fault["loc"] == ["body", "destinations", 0, field]
