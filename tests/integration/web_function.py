"""The API function on fakes. For the second key its list breaks off after two jobs."""

from collections.abc import Iterator
from typing import Any

from flask import Request
from werkzeug import Response

from shared.bootstrap.framework import answers_everything
from shared.domain.errors import Unavailable
from shared.domain.jobs import Counts, FilterValue, Job
from tests.fakes.jobs import FakeJobs
from tests.fakes.web import OTHER_KEY, Service, backfill

JOBS = 3


class _BreakingListings(FakeJobs):
    def jobs(
        self, organization_id: str, *more: Any, **named: Any
    ) -> Iterator[tuple[Job, list[FilterValue] | None, Counts | None]]:
        for number, entry in enumerate(super().jobs(organization_id, *more, **named)):
            if organization_id == "another" and number == JOBS - 1:
                raise Unavailable("the job store")
            yield entry


_service = Service()
for _ in range(JOBS):
    _service.created()
    _service.created(backfill(filter={"column": "c", "values": ["x" * 100_000]}), OTHER_KEY)
object.__setattr__(_service.api, "listings", _BreakingListings(stored=_service.jobs.stored))


@answers_everything
def handle(request: Request) -> Response:
    """Answer one request."""
    return _service.api.handle(request)
