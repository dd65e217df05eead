"""The client for programs that wait."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import httpx

from backfills import calls, scripts, transport
from backfills.calls import Call, Reply
from backfills.models import Created, Estimate, Job, ListedJob, Receipt, ReceiptChunk, Status
from backfills.new import NewBackfill
from backfills.scripts import Emit, Script
from backfills.tries import Lost, Pause, Retries, Send, tried

T = TypeVar("T")


class Client:
    """Speaks to one service with one API key; may be used by several threads. Errors: backfills.errors.

    ``timeout``: seconds until a single try is given up. ``retries``: how calls are tried again.

    >>> with Client(url, api_key) as client:
    ...     print([job.status for job in client.list()])
    ['transporting']
    """

    def __init__(
        self, url: str, api_key: str, *, timeout: float = 60.0, retries: Retries | None = None
    ) -> None:
        self._retries = retries or Retries()
        self._http = httpx.Client(
            base_url=transport.base_url(url),
            headers=transport.headers(api_key),
            timeout=httpx.Timeout(timeout, connect=transport.CONNECT_SECONDS),
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def create(self, new: NewBackfill | Mapping[str, Any], *, idempotency_key: str | None = None) -> Created:
        """Create a backfill, from its fields or from the body as the API takes it.

        All tries carry one ``Idempotency-Key``, so they make one job. Give your own, and a call that you
        repeat within 24 hours, also from another process, makes no second job either.

        >>> client.create(body).workflow_id.startswith("beam-backfill-")
        True
        """
        return self._call(calls.create(new, idempotency_key))

    def estimate(self, new: NewBackfill | Mapping[str, Any]) -> Estimate:
        """What the backfill would be; makes no job. Name and destinations may be left out.

        >>> client.estimate(body).rows
        1200
        """
        return self._call(calls.estimate(new))

    def get(self, job_id: str) -> Job:
        """One job, with its progress.

        >>> client.get(job_id).status
        'transporting'
        """
        return self._call(calls.get(job_id))

    def list(self, *statuses: Status, newest_first: bool = False) -> Iterator[ListedJob]:
        """The organization's jobs, oldest first, of these statuses or of any; asked for page by page.

        >>> [job.job_name for job in client.list("transporting", newest_first=True)]
        ['One day']
        """
        first = calls.first_jobs(statuses, newest_first=newest_first)
        return self._iterate(scripts.pages(calls.jobs, first, self._retries))

    def cancel(self, job_id: str) -> Job:
        """Stop the job; rows that have arrived stay.

        >>> client.cancel(job_id).status
        'cancelled'
        """
        return self._call(calls.cancel(job_id))

    def retry(self, job_id: str) -> Job:
        """Have a failed job go on with what is not yet delivered.

        When the answer is lost, it is not tried again, for the second would be refused: look at the job.

        >>> client.retry(failed_id).status
        'transporting'
        """
        return self._call(calls.retry(job_id))

    def pause(self, job_id: str) -> Job:
        """Stop the job's deliveries within 5 seconds, until it is resumed.

        >>> client.pause(job_id).paused
        True
        """
        return self._call(calls.pause(job_id))

    def resume(self, job_id: str) -> Job:
        """Have a paused job go on where it was.

        >>> client.resume(job_id).paused
        False
        """
        return self._call(calls.resume(job_id))

    def receipt(self, job_id: str) -> Receipt:
        """What was unloaded and what each destination was given; Conflict while the job is staging.

        >>> client.receipt(job_id).balanced
        True
        """
        return self._call(calls.receipt(job_id))

    def receipt_chunks(self, job_id: str) -> Iterator[ReceiptChunk]:
        """The receipt chunk by chunk, by their numbers; asked for page by page.

        >>> [chunk.rows for chunk in client.receipt_chunks(job_id)]
        [700, 500]
        """
        call = partial(calls.receipt_chunks, job_id)
        return self._iterate(scripts.pages(call, calls.FIRST_CHUNKS, self._retries))

    def watch(self, job_id: str, *, interval: float = 2.0) -> Iterator[Job]:
        """The job now and every ``interval`` seconds, lastly as it ended. To stop watching stops no job.

        >>> [job.status for job in client.watch(watched_id, interval=0.01)]
        ['staging', 'transporting', 'completed']
        """
        return self._iterate(scripts.watch(job_id, interval, self._retries))

    def _call(self, call: Call[T]) -> T:
        steps = tried(call, self._retries)
        outcome = None
        try:
            while True:
                outcome = self._do(steps.send(outcome))
        except StopIteration as end:
            result: T = end.value
            return result

    def _iterate(self, script: Script[T]) -> Iterator[T]:
        outcome = None
        while True:
            try:
                step = script.send(outcome)
            except StopIteration:
                return
            if isinstance(step, Emit):
                outcome = None
                yield step.item
            else:
                outcome = self._do(step)

    def _do(self, step: Send | Pause) -> Reply | Lost | None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        method, url, headers, content = transport.arguments(step.request)
        try:
            return transport.reply(self._http.request(method, url, headers=headers, content=content))
        except httpx.RequestError as error:
            return transport.lost(error)
