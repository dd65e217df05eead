"""The list: a stream of all jobs, or pages that miss and repeat none."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

import pytest

from shared.domain.errors import Unavailable
from shared.domain.jobs import Counts, FilterValue, Job, JobStatus
from shared.domain.transitions import confirm
from shared.web import listing
from shared.web.routes import BACKFILLS
from tests.fakes.jobs import FakeJobs
from tests.fakes.staged import finish, stage
from tests.fakes.web import OTHER_KEY, START, Service, backfill


def _ids(service: Service, query: str = "") -> list[str]:
    return [item["job_id"] for item in service.call("GET", BACKFILLS + query).get_json()]


def _pages(service: Service, limit: int, query: str = "") -> list[list[str]]:
    pages, url = [], f"{BACKFILLS}?limit={limit}{query}"
    while url:
        answer = service.call("GET", url)
        pages.append([item["job_id"] for item in answer.get_json()])
        link = answer.headers.get("Link", "")
        assert not link or link.endswith('>; rel="next"')
        url = link and urljoin(url, link.partition("<")[2].partition(">")[0])
    return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 1_000])
def test_pages_follow_the_link_header_to_all_of_the_list(limit: int) -> None:
    service = Service()
    made = [service.created() for _ in range(7)]
    service.created(key=OTHER_KEY)
    pages = _pages(service, limit)
    assert [job_id for page in pages for job_id in page] == made
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)


def test_jobs_of_one_instant_go_by_job_id() -> None:
    service = Service()
    object.__setattr__(service.api, "now", lambda: START)
    made = [service.created() for _ in range(6)]
    assert _ids(service) == sorted(made)
    assert [job_id for page in _pages(service, 4) for job_id in page] == sorted(made)


def test_a_cursor_without_limit_goes_on_to_the_end() -> None:
    service = Service()
    made = [service.created() for _ in range(4)]
    link = service.call("GET", f"{BACKFILLS}?limit=1").headers["Link"]
    cursor = link.partition("cursor=")[2].partition(">")[0]
    assert _ids(service, f"?cursor={cursor}") == made[1:]


def _of_every_status(service: Service) -> dict[str, list[str]]:
    """Return jobs of each status, two per moment, in the order of the list."""
    object.__setattr__(service.api, "now", lambda: service.time)
    made: dict[str, list[str]] = {}
    for _ in range(3):
        for status in JobStatus:
            service.time += timedelta(seconds=1)
            pair = [service.created() for _ in range(2)]
            for job_id in pair:
                _bring_to(service, job_id, status)
            made[status] = [*made.get(status, []), *sorted(pair)]
    return made


def _bring_to(service: Service, job_id: str, status: JobStatus) -> None:
    if status is JobStatus.TRANSPORTING:
        stage(service.jobs, job_id, chunks=2, rows=10)
    elif status is JobStatus.CANCELLED:
        assert service.call("POST", f"{BACKFILLS}/{job_id}/cancel").status_code == 200
    elif status is not JobStatus.STAGING:
        finish(service.jobs, job_id, status)


@pytest.mark.parametrize("status", JobStatus)
def test_the_list_of_one_status(status: JobStatus) -> None:
    service = Service()
    made = _of_every_status(service)[status]
    assert _ids(service, f"?status={status}") == made
    assert _ids(service, f"?status={status}&order=desc") == made[::-1]


@pytest.mark.parametrize("order", ["", "&order=asc", "&order=desc"])
@pytest.mark.parametrize(
    "statuses", [(), ("failed",), ("cancelled", "staging", "cancelled"), tuple(JobStatus)]
)
@pytest.mark.parametrize("limit", [1, 4, 1_000])
def test_pages_keep_to_the_statuses_and_the_order(limit: int, statuses: tuple[str, ...], order: str) -> None:
    service = Service()
    made = _of_every_status(service)
    whole = [
        job_id for job_id in _ids(service) if not statuses or any(job_id in made[one] for one in statuses)
    ]
    query = "".join(f"&status={status}" for status in statuses) + order
    expected = whole[::-1] if order == "&order=desc" else whole
    assert _ids(service, "?" + query.removeprefix("&")) == expected
    assert [job_id for page in _pages(service, limit, query) for job_id in page] == expected


def test_a_cursor_goes_on_in_either_direction() -> None:
    service = Service()
    made = [service.created() for _ in range(5)]
    link = service.call("GET", f"{BACKFILLS}?limit=3").headers["Link"]
    cursor = link.partition("cursor=")[2].partition(">")[0]
    assert _ids(service, f"?cursor={cursor}&order=desc") == made[1::-1]
    assert _ids(service, f"?cursor={cursor}&order=asc") == made[3:]


def test_an_unknown_status_is_refused_with_those_that_there_are() -> None:
    answer = Service().call("GET", f"{BACKFILLS}?status=failed&status=paused")
    assert answer.status_code == 422
    (fault,) = answer.get_json()["detail"]
    assert fault["msg"] == "Give one of: staging, transporting, completed, failed, cancelled"


def test_a_page_ends_early_when_its_filters_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    monkeypatch.setattr(listing, "PAGE_BYTES", 10_000)
    made = [service.created(backfill(filter={"column": "c", "values": ["x" * 6_000]})) for _ in range(5)]
    pages = _pages(service, 100)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [job_id for page in pages for job_id in page] == made


@pytest.mark.parametrize(
    ("query", "locs"),
    [
        ("?limit=0", [["query", "limit"]]),
        ("?limit=1001", [["query", "limit"]]),
        ("?limit=-1", [["query", "limit"]]),
        ("?limit=1.0", [["query", "limit"]]),
        ("?limit=", [["query", "limit"]]),
        ("?limit=99999999999999999999999", [["query", "limit"]]),
        ("?limit=1&limit=2", [["query", "limit"]]),
        ("?cursor=", [["query", "cursor"]]),
        ("?cursor=x", [["query", "cursor"]]),
        ("?cursor=2026-13-01T00:00:00Z_f47ac10b-58cc-4372-a567-0e02b2c3d479", [["query", "cursor"]]),
        ("?status=x&status=failed&status=", [["query", "status", 0], ["query", "status", 2]]),
        ("?status=FAILED", [["query", "status", 0]]),
        ("?order=newest", [["query", "order"]]),
        ("?order=", [["query", "order"]]),
        ("?order=asc&order=asc", [["query", "order"]]),
        ("?limit=x&offset=5", [["query", "offset"], ["query", "limit"]]),
        ("?%00=1", [["query", "\x00"]]),
    ],
)
def test_a_query_that_cannot_be_had_is_422(query: str, locs: list[list[str | int]]) -> None:
    answer = Service().call("GET", BACKFILLS + query)
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.get_json()["detail"]] == locs


def test_a_job_that_is_not_sure_to_run_is_hidden() -> None:
    service = Service()
    job_id = service.created()
    stored = service.jobs.stored["org123", job_id]
    stored.job = _unconfirmed(stored.job)
    assert _ids(service) == []
    assert service.call("GET", f"{BACKFILLS}/{job_id}").status_code == 404
    assert service.call("POST", f"{BACKFILLS}/{job_id}/cancel").status_code == 404
    stored.job = confirm(stored.job)
    assert _ids(service) == [job_id]


def _unconfirmed(job: Job) -> Job:
    fields = {name: getattr(job, name) for name in job.__dataclass_fields__}
    return Job(**fields | {"confirmed": False})


class BreakingListings(FakeJobs):
    """Listings that fail after some jobs."""

    def __init__(self, source: FakeJobs, good: int) -> None:
        super().__init__(stored=source.stored)
        self.good = good

    def jobs(
        self, organization_id: str, *more: Any, **named: Any
    ) -> Iterator[tuple[Job, list[FilterValue] | None, Counts | None]]:
        for number, entry in enumerate(super().jobs(organization_id, *more, **named)):
            if number == self.good:
                raise Unavailable("the job store")
            yield entry


def _breaking(good: int) -> Service:
    service = Service()
    for _ in range(3):
        service.created()
    object.__setattr__(service.api, "listings", BreakingListings(service.jobs, good))
    return service


def test_an_outage_before_the_first_job_is_503() -> None:
    assert _breaking(good=0).call("GET", BACKFILLS).status_code == 503


def test_an_outage_amid_the_stream_breaks_it_off() -> None:
    answer = _breaking(good=2).call("GET", BACKFILLS, buffered=False)
    assert answer.status_code == 200
    with pytest.raises(Unavailable):
        list(answer.response)


def test_an_outage_amid_a_page_is_503() -> None:
    assert _breaking(good=2).call("GET", f"{BACKFILLS}?limit=3").status_code == 503
