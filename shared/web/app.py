"""The API: route the request, call a step, and return the response.

The order of checks is: the API key, the path and method, the body.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Any
from uuid import UUID

from werkzeug import Request, Response

from shared.domain.errors import JobUnknown, RequestRefused, RetryLater, StaleMessage, TooManyJobs, TooOften
from shared.domain.estimate import estimate
from shared.domain.events import (
    Event,
    Events,
    JobCancelled,
    JobCreated,
    JobPaused,
    JobResumed,
    JobRetried,
)
from shared.domain.jobs import FilterValue, Job
from shared.domain.organizations import Caller
from shared.domain.receipt import require_receipt
from shared.domain.slices import SliceRefused
from shared.domain.traces import HEADER as TRACE
from shared.domain.traces import Tracer, current, parse
from shared.steps.accept import accept
from shared.steps.cancel import cancel
from shared.steps.find import find_for_client
from shared.steps.kept import Kept
from shared.steps.pause import pause, resume
from shared.steps.ports import Clock, Estimates, Publisher, Rates
from shared.steps.records import Jobs, Listings, Receipts, counted
from shared.steps.retry import retry
from shared.web import console, estimates, listing, receipts
from shared.web.answers import CreatedBackfill, last_known, shown
from shared.web.auth import Keys, authenticate
from shared.web.body import drain, read_json
from shared.web.create import new_job
from shared.web.errors import WebRefusal, detail_of
from shared.web.idempotency import HEADER as IDEMPOTENCY_KEY
from shared.web.idempotency import key_faults, named_by
from shared.web.models import Rules
from shared.web.responses import answer, answer_bytes, answer_stream
from shared.web.routes import BACKFILLS, PUBLIC, asked_for, route
from shared.web.validation import read_backfill, read_estimate

RETRY_AFTER_SECONDS = 5
# Jobs take minutes, so retrying every few seconds would be useless.
LIMIT_RETRY_AFTER_SECONDS = 60

_LOG = logging.getLogger("backfills.api")
# For the audit log: the event of each call, and the time of the job's last change by such a call.
_CHANGES: Mapping[str, tuple[Callable[..., Event], Callable[[Job], datetime | None]]] = {
    "cancel": (JobCancelled, lambda job: job.time_completed),
    "retry": (JobRetried, lambda job: job.time_retried),
    "pause": (JobPaused, lambda job: job.time_paused),
    "resume": (JobResumed, lambda job: job.time_resumed),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Answers requests. Its dependencies are passed in once.

    ``new_id`` returns a random UUID (version 4) at each call, ``now`` the time in UTC.
    """

    keys: Keys
    jobs: Jobs
    listings: Listings
    receipts: Receipts
    estimates: Estimates
    rates: Rates
    publisher: Publisher
    now: Clock
    new_id: Callable[[], UUID]
    rules: Rules
    webhook_batch_rows: int
    kept: Kept
    tracer: Tracer
    events: Events
    openapi: Mapping[str, Any]

    def handle(self, request: Request) -> Response:
        """Return a response to any request. Never raises."""
        if request.path in PUBLIC or console.concerns(request):
            return self._answer_whatever_happens(request)
        asked = asked_for(request)
        with self.tracer.span(asked["request"], parse(request.headers.get(TRACE)), asked):
            return self._answer_whatever_happens(request)

    def _answer_whatever_happens(self, request: Request) -> Response:
        try:
            response = console.answer(request) or self._answer(request)
        except RequestRefused as error:
            headers = error.headers if isinstance(error, WebRefusal) else None
            if isinstance(error, TooManyJobs):
                headers = {"Retry-After": str(LIMIT_RETRY_AFTER_SECONDS)}
            elif isinstance(error, TooOften):
                headers = {"Retry-After": str(error.seconds)}
            response = answer(error.status, {"detail": detail_of(error)}, headers)
        except RetryLater as error:
            _log_outage(request, error)
            response = answer(503, {"detail": error.message}, {"Retry-After": str(RETRY_AFTER_SECONDS)})
        except Exception:  # noqa: BLE001 - last resort: log it in full, and return no traceback to the client
            _LOG.exception("the request could not be answered", extra={"fields": asked_for(request)})
            response = answer(500, {"detail": "Internal error"})
        drain(request)
        return response

    def _answer(self, request: Request) -> Response:
        if request.path in PUBLIC:
            endpoint, _ = route(request)
            return answer(200, self.openapi if endpoint == "openapi" else {"status": "ok"})
        caller = authenticate(request, self.keys)
        endpoint, arguments = route(request)
        match endpoint:
            case "create":
                return self._create(request, caller)
            case "estimate":
                return self._estimate(request, caller.organization_id)
            case "list":
                return self._list(request, caller.organization_id)
            case "get" | "receipt" | "receipt_chunks":
                job_id = str(arguments["job_id"])
                job = find_for_client(caller.organization_id, job_id, jobs=self.jobs)
                return self._look(endpoint, job, request)
            case _:
                return self._change(endpoint, caller, str(arguments["job_id"]), request)

    def _create(self, request: Request, caller: Caller) -> Response:
        key = request.headers.get(IDEMPOTENCY_KEY)
        wanted = read_backfill(read_json(request), self.rules, key_faults(key))
        trace = current()
        new = new_job(
            wanted,
            caller.organization_id,
            now=self.now(),
            new_id=self.new_id,
            webhook_batch_rows=self.webhook_batch_rows,
            idempotency=named_by(key, wanted),
            trace=None if trace is None else str(trace),
        )
        filter_values = wanted.filter.values if wanted.filter else []
        job = accept(new, filter_values, jobs=self.jobs, publisher=self.publisher)
        if job.job_id == new.job_id:
            self.events(JobCreated(**_who_and_what(caller, job)))
        created = CreatedBackfill(job_id=job.job_id, workflow_id=job.workflow_id)
        return answer(201, created, {"Location": f"{BACKFILLS}/{job.job_id}"})

    def _estimate(self, request: Request, organization_id: str) -> Response:
        request_read = read_estimate(read_json(request), self.rules)
        wanted = estimates.slice_of(request_read, organization_id)
        self.rates.take(organization_id)
        try:
            facts = self.estimates.facts(wanted)
        except SliceRefused as error:
            raise estimates.invalid(error) from error
        found = estimate(
            facts,
            wanted,
            destinations=len(request_read.destinations),
            now=self.now(),
            earlier=self.listings.latest_rows(organization_id, wanted.table),
        )
        return answer_bytes(200, estimates.encoded(facts, found))

    def _list(self, request: Request, organization_id: str) -> Response:
        page = listing.read_page(request.args)
        jobs = partial(
            self.listings.jobs,
            organization_id,
            after=page.after,
            statuses=page.statuses,
            newest_first=page.newest_first,
        )
        if page.limit is None:
            entries = jobs()
            # Read the first job before the status is sent. Until then an outage can still get an error
            # status.
            first = list(islice(entries, 1))
            return answer_stream(listing.stream(chain(first, entries)))
        body, last = listing.one_page(jobs(limit=page.limit + 1), page.limit)
        more = {"Link": listing.next_link(BACKFILLS, page, last)} if last else None
        return answer_bytes(200, body, more)

    def _show(self, job: Job) -> Response:
        filter_values, counts = self._filter_values(job), self.jobs.counts(job)
        return answer(200, shown(job, filter_values, counts, self.listings.progress(job, counts)))

    def _filter_values(self, job: Job) -> list[FilterValue] | None:
        return None if job.filter_column is None else self.jobs.filter_values(job)

    def _look(self, endpoint: str, job: Job, request: Request) -> Response:
        if endpoint == "get":
            return self._show(job)
        require_receipt(job)
        return self._receipt(job) if endpoint == "receipt" else self._receipt_chunks(request, job)

    def _receipt(self, job: Job) -> Response:
        left_out = self.receipts.left_out(job) if job.skips_oversized else {}
        return answer(200, receipts.receipt(job, self.listings.destinations(job), left_out))

    def _receipt_chunks(self, request: Request, job: Job) -> Response:
        limit, start = receipts.read_page(request.args)
        lines = receipts.lines(job, self.receipts.chunks(job, start), limit)
        # Read the first line before the status is sent. Until then an outage can still get an error status.
        first = list(islice(lines, 1))
        more = receipts.next_link(f"{BACKFILLS}/{job.job_id}/receipt/chunks", job, limit, start)
        return answer_stream(chain(first, lines), {"Content-Type": receipts.MEDIA_TYPE, **more})

    def _change(self, endpoint: str, caller: Caller, job_id: str, request: Request) -> Response:
        steps: Mapping[str, Callable[..., Job]] = {
            "cancel": cancel,
            "retry": partial(retry, kept=self.kept),
            "pause": pause,
            "resume": partial(resume, kept=self.kept),
        }
        step, now = steps[endpoint], self.now()
        try:
            # 503 means that nothing is recorded, so read before the change what cannot be left out after it.
            found = find_for_client(caller.organization_id, job_id, jobs=self.jobs)
            filter_values, counts = self._filter_values(found), self.jobs.counts(found)
            job = step(caller.organization_id, job_id, jobs=self.jobs, publisher=self.publisher, now=now)
        except StaleMessage as error:
            # The job was removed after it was found.
            raise JobUnknown(job_id) from error
        # A repeated request changes nothing, so the audit log omits it.
        event, made = _CHANGES[endpoint]
        if made(job) == now:
            self.events(event(**_who_and_what(caller, job)))
        try:
            counts = self.jobs.counts(job)
            destinations = self.listings.progress(job, counts)
        except RetryLater as error:
            _log_outage(request, error)
            counts = last_known(job, counts)
            destinations = counted(job, counts)
        return answer(200, shown(job, filter_values, counts, destinations))


def _log_outage(request: Request, error: RetryLater) -> None:
    told = {"error": type(error).__name__, "detail": error.detail}
    _LOG.warning(error.message, extra={"fields": asked_for(request) | told})


def _who_and_what(caller: Caller, job: Job) -> dict[str, str]:
    return {
        "organization_id": caller.organization_id,
        "job_id": job.job_id,
        "key_id": caller.key_id,
    }
