"""The contract's lines on a destination's ``delivery``, over HTTP."""

from typing import Any

import pytest

from shared.web.routes import BACKFILLS
from tests.fakes.web import Service, backfill, webhook


@pytest.fixture
def service() -> Service:
    return Service()


def kafka(**changes: Any) -> dict[str, Any]:
    return {"type": "kafka", "name": "x"} | changes


@pytest.mark.parametrize(
    "sink",
    [
        kafka(delivery="exactly_once"),
        kafka(delivery="at_least_once"),
        webhook(delivery="at_least_once"),
        webhook(hash_key="SIGNING", delivery="at_least_once"),
    ],
)
def test_it_is_echoed_as_it_was_given(service: Service, sink: dict[str, Any]) -> None:
    job_id = service.created(backfill(destinations=[sink]))
    (item,) = service.call("GET", BACKFILLS).get_json()
    (destination,) = item["destinations"]
    assert list(destination) == [*sink, "uid"]
    assert destination.items() >= sink.items()
    (shown,) = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["destinations"]
    assert list(shown) == [*sink, "uid", "state"]


@pytest.mark.parametrize("sink", [kafka(), webhook(), kafka(delivery=None), webhook(delivery=None)])
def test_it_is_echoed_only_if_given(service: Service, sink: dict[str, Any]) -> None:
    service.created(backfill(destinations=[sink]))
    assert "delivery" not in service.call("GET", BACKFILLS).get_json()[0]["destinations"][0]


def test_kafkas_default_is_exactly_once(service: Service) -> None:
    sinks = [kafka(), kafka(name="y", delivery="exactly_once"), kafka(name="z", delivery="at_least_once")]
    job_id = service.created(backfill(destinations=sinks))
    job = service.jobs.stored["org123", job_id].job
    assert [each.traits.marked for each in job.destinations] == [True, True, False]


def test_a_webhook_can_not_have_exactly_once_and_is_told_what_to_do(service: Service) -> None:
    (fault,) = service.faults(backfill(destinations=[webhook(delivery="exactly_once")]))
    assert fault["loc"] == ["body", "destinations", 0, "delivery"]
    assert "at_least_once" in fault["msg"]
    assert "webhook-id" in fault["msg"]


@pytest.mark.parametrize("delivery", ["at_most_once", "EXACTLY_ONCE", "", 1, True, ["exactly_once"], {}])
@pytest.mark.parametrize("sink", [kafka(), webhook()])
def test_anything_else_is_refused(service: Service, sink: dict[str, Any], delivery: Any) -> None:
    (fault,) = service.faults(backfill(destinations=[sink | {"delivery": delivery}]))
    assert fault["loc"] == ["body", "destinations", 0, "delivery"]


def test_the_openapi_document_says_what_at_least_once_gives_up() -> None:
    schemas = Service().api.openapi["components"]["schemas"]
    told = schemas["KafkaDestination"]["properties"]["delivery"]["description"]
    for word in ("exactly_once", "read_committed", "repeats", "beam-row"):
        assert word in told
    assert "webhook-id" in schemas["WebhookDestination"]["properties"]["delivery"]["description"]
