"""The client for synchronous programs."""

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
    """Calls one service with one API key; several threads may share it. Errors: backfills.errors.

    ``timeout``: seconds until an attempt is aborted. ``retries``: how calls are retried.

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
        """Create a backfill, from its fields or from the body in the API's form.

        All attempts carry one ``Idempotency-Key``, so they create one job. Pass your own key, and the same
        call repeated within 24 hours, even from another process, creates no second job.

        >>> client.create(body).workflow_id.startswith("beam-backfill-")
        True
        """
        return self._call(calls.create(new, idempotency_key))

    def estimate(self, new: NewBackfill | Mapping[str, Any]) -> Estimate:
        """Estimate the backfill without creating a job. Name and destinations are optional.

        >>> client.estimate(body).rows
        1200
        """
        return self._call(calls.estimate(new))

    def get(self, job_id: str) -> Job:
        """Return one job with its progress.

        >>> client.get(job_id).status
        'transporting'
        """
        return self._call(calls.get(job_id))

    def list(self, *statuses: Status, newest_first: bool = False) -> Iterator[ListedJob]:
        """Yield the organization's jobs, oldest first, with these statuses or any; reads page by page.

        >>> [job.job_name for job in client.list("transporting", newest_first=True)]
        ['One day']
        """
        first = calls.first_jobs(statuses, newest_first=newest_first)
        return self._iterate(scripts.pages(calls.jobs, first, self._retries))

    def cancel(self, job_id: str) -> Job:
        """Stop the job; delivered rows stay.

        >>> client.cancel(job_id).status
        'cancelled'
        """
        return self._call(calls.cancel(job_id))

    def retry(self, job_id: str) -> Job:
        """Resume a failed job with only its undelivered rows.

        If the answer is lost, the client does not retry, because the service would refuse: check the job.

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
        """Resume a paused job where it stopped.

        >>> client.resume(job_id).paused
        False
        """
        return self._call(calls.resume(job_id))

    def receipt(self, job_id: str) -> Receipt:
        """Return what Snowflake unloaded and what each destination has. Raises Conflict while staging.

        >>> client.receipt(job_id).balanced
        True
        """
        return self._call(calls.receipt(job_id))

    def receipt_chunks(self, job_id: str) -> Iterator[ReceiptChunk]:
        """Yield the receipt's chunks in order of their numbers; reads page by page.

        >>> [chunk.rows for chunk in client.receipt_chunks(job_id)]
        [700, 500]
        """
        call = partial(calls.receipt_chunks, job_id)
        return self._iterate(scripts.pages(call, calls.FIRST_CHUNKS, self._retries))

    def watch(self, job_id: str, *, interval: float = 2.0) -> Iterator[Job]:
        """Yield the job now, every ``interval`` seconds, and as it ended. Leaving the loop stops no job.

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
