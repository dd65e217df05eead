"""Pausing and resuming over the API."""

from typing import Any

import pytest

from shared.web.routes import BACKFILLS
from tests.contract.test_api_contract import LIST_FIELDS
from tests.fakes.web import CHUNKS_IN_FLIGHT, OTHER_KEY, Service, backfill


@pytest.fixture
def service() -> Service:
    return Service()


def act(service: Service, job_id: str, name: str, **arguments: Any) -> Any:
    return service.call("POST", f"{BACKFILLS}/{job_id}/{name}", **arguments)


def test_a_job_is_paused_and_resumed(service: Service) -> None:
    job_id = service.created()
    paused = act(service, job_id, "pause")
    assert paused.status_code == 200
    assert paused.get_json() == service.call("GET", f"{BACKFILLS}/{job_id}").get_json()
    assert paused.get_json()["paused"] is True
    assert paused.get_json()["time_paused"].endswith("Z")
    assert paused.get_json()["status"] == "staging"
    resumed = act(service, job_id, "resume")
    assert (resumed.status_code, resumed.get_json()["paused"]) == (200, False)
    assert resumed.get_json()["time_paused"] is None


def test_the_list_keeps_its_fields(service: Service) -> None:
    act(service, service.created(backfill(max_parallel_chunks=3)), "pause")
    (item,) = service.call("GET", BACKFILLS).get_json()
    assert list(item) == LIST_FIELDS


def test_who_paused_and_resumed_is_on_record_once(service: Service) -> None:
    job_id = service.created()
    for name in ("pause", "pause", "resume", "resume"):
        assert act(service, job_id, name).status_code == 200
    assert [event.name for event in service.events] == ["job_created", "job_paused", "job_resumed"]


def test_doing_it_twice_answers_the_same(service: Service) -> None:
    job_id = service.created()
    for name in ("pause", "resume"):
        assert act(service, job_id, name).get_json() == act(service, job_id, name).get_json()


@pytest.mark.parametrize("name", ["pause", "resume"])
def test_an_ended_job_is_409_and_anothers_404(service: Service, name: str) -> None:
    job_id = service.created()
    assert act(service, job_id, name, key=OTHER_KEY).status_code == 404
    act(service, job_id, "cancel")
    refused = act(service, job_id, name)
    assert refused.status_code == 409
    assert "cancelled" in refused.get_json()["detail"]


def test_a_paused_job_can_be_cancelled(service: Service) -> None:
    job_id = service.created()
    act(service, job_id, "pause")
    cancelled = act(service, job_id, "cancel").get_json()
    assert (cancelled["status"], cancelled["paused"]) == ("cancelled", False)


def test_a_job_shows_how_many_chunks_at_once_it_asked_for(service: Service) -> None:
    asked, silent = service.created(backfill(max_parallel_chunks=3)), service.created()
    assert service.call("GET", f"{BACKFILLS}/{asked}").get_json()["max_parallel_chunks"] == 3
    assert "max_parallel_chunks" not in service.call("GET", f"{BACKFILLS}/{silent}").get_json()


@pytest.mark.parametrize("number", [1, 2.0, CHUNKS_IN_FLIGHT])
def test_as_many_as_the_operator_allows(service: Service, number: float) -> None:
    service.created(backfill(max_parallel_chunks=number))


@pytest.mark.parametrize("number", [0, -1, CHUNKS_IN_FLIGHT + 1, 2.5, "3", True])
def test_any_other_number_is_refused(service: Service, number: object) -> None:
    (fault,) = service.faults(backfill(max_parallel_chunks=number))
    assert fault["loc"] == ["body", "max_parallel_chunks"]


def test_the_document_says_what_is_allowed(service: Service) -> None:
    document = service.call("GET", "/api/v1/beam/openapi.json", key=None).get_json()
    field = document["components"]["schemas"]["CreateBackfill"]["properties"]["max_parallel_chunks"]
    assert field["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": CHUNKS_IN_FLIGHT}
