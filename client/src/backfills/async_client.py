"""The client for asyncio programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import httpx

from backfills import calls, httpx_types, scripts
from backfills.calls import Call, Reply
from backfills.models import Created, Estimate, Job, ListedJob, Receipt, ReceiptChunk, Status
from backfills.new import NewBackfill
from backfills.scripts import Emit, Script
from backfills.tries import Lost, Pause, Retries, Send, tried

T = TypeVar("T")


class AsyncClient:
    """Like ``Client``, for asyncio. Several tasks of one event loop may share it, but not one of its
    iterators.

    Every call may raise KeyRefused and OutOfReach. A call that yields sends its requests, and raises its
    errors, while it is iterated over. The constructor raises ValueError for an invalid URL or key.

    ``url``: the service's address, with or without a path.

    ``api_key``: the organization's key; it is sent only to this address.

    ``timeout``: seconds that an attempt waits for a connection (at most 10), to send, and for each part of
    the answer.

    ``retries``: how often a call is tried, and how long it waits in between.

    ``transport``: sends the requests in place of httpx's own; closing the client closes it. The environment's
    proxies and certificates do not apply to it.

    >>> async with AsyncClient(url, api_key) as client:
    ...     print([job.status async for job in client.list()])
    ['transporting']
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout: float = 60.0,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(
            base_url=httpx_types.base_url(url),
            headers=httpx_types.headers(api_key),
            timeout=httpx_types.timeouts(timeout),
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"AsyncClient({str(self._http.base_url).rstrip('/')!r})"

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections and the transport."""
        await self._http.aclose()

    async def create(
        self, new: NewBackfill | Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Created:
        """Create a backfill, from its fields or from the body in the API's form.

        All attempts carry one ``Idempotency-Key``, so they create one job. Pass your own key, and the same
        call repeated within 24 hours, even from another process, creates no second job.

        Raises Invalid, LimitReached, and Conflict if another request used the key.

        >>> (await client.create(body)).workflow_id.startswith("beam-backfill-")
        True
        """
        return await self._call(calls.create(new, idempotency_key))

    async def estimate(self, new: NewBackfill | Mapping[str, Any]) -> Estimate:
        """Estimate the backfill without creating a job. Name and destinations are optional.

        Raises Invalid and LimitReached.

        >>> (await client.estimate(body)).rows
        1200
        """
        return await self._call(calls.estimate(new))

    async def get(self, job_id: str) -> Job:
        """Return one job with its progress.

        Raises NotFound.

        >>> (await client.get(job_id)).status
        'transporting'
        """
        return await self._call(calls.get(job_id))

    def list(self, *statuses: Status, newest_first: bool = False) -> AsyncIterator[ListedJob]:
        """Yield the organization's jobs, oldest first, with these statuses or any; reads page by page.

        Raises Invalid for an unknown status.

        >>> [job.job_name async for job in client.list("transporting", newest_first=True)]
        ['One day']
        """
        first = calls.first_jobs(statuses, newest_first=newest_first)
        return self._iterate(scripts.pages(calls.jobs, first, self._retries))

    async def cancel(self, job_id: str) -> Job:
        """Stop the job; delivered rows stay.

        Raises NotFound, and Conflict if the job is completed or failed.

        >>> (await client.cancel(job_id)).status
        'cancelled'
        """
        return await self._call(calls.cancel(job_id))

    async def retry(self, job_id: str) -> Job:
        """Resume a failed job with only its undelivered rows.

        If the answer is lost, the client does not retry, because the service would refuse: check the job.

        Raises NotFound, LimitReached, and Conflict if the job has not failed or cannot continue.

        >>> (await client.retry(failed_id)).status
        'transporting'
        """
        return await self._call(calls.retry(job_id))

    async def pause(self, job_id: str) -> Job:
        """Stop the job's deliveries within 5 seconds, until it is resumed.

        Raises NotFound, and Conflict if the job has ended.

        >>> (await client.pause(job_id)).paused
        True
        """
        return await self._call(calls.pause(job_id))

    async def resume(self, job_id: str) -> Job:
        """Resume a paused job where it stopped.

        Raises NotFound, and Conflict if the job has ended or cannot continue.

        >>> (await client.resume(job_id)).paused
        False
        """
        return await self._call(calls.resume(job_id))

    async def receipt(self, job_id: str) -> Receipt:
        """Return what Snowflake unloaded and what each destination has.

        Raises NotFound, and Conflict if there is no receipt yet or no more.

        >>> (await client.receipt(job_id)).balanced
        True
        """
        return await self._call(calls.receipt(job_id))

    def receipt_chunks(self, job_id: str) -> AsyncIterator[ReceiptChunk]:
        """Yield the receipt's chunks in order of their numbers; reads page by page.

        Raises NotFound, and Conflict if there is no receipt yet or no more.

        >>> [chunk.rows async for chunk in client.receipt_chunks(job_id)]
        [700, 500]
        """
        call = partial(calls.receipt_chunks, job_id)
        return self._iterate(scripts.pages(call, calls.FIRST_CHUNKS, self._retries))

    def watch(self, job_id: str, *, interval: float = 2.0) -> AsyncIterator[Job]:
        """Yield the job now, every ``interval`` seconds, and as it ended. Leaving the loop stops no job.

        Raises NotFound.

        >>> [job.status async for job in client.watch(watched_id, interval=0.01)]
        ['staging', 'transporting', 'completed']
        """
        return self._iterate(scripts.watch(job_id, interval, self._retries))

    async def _call(self, call: Call[T]) -> T:
        steps = tried(call, self._retries)
        outcome = None
        try:
            while True:
                outcome = await self._do(steps.send(outcome))
        except StopIteration as end:
            result: T = end.value
            return result

    async def _iterate(self, script: Script[T]) -> AsyncIterator[T]:
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
                outcome = await self._do(step)

    async def _do(self, step: Send | Pause) -> Reply | Lost | None:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        method, url, headers, content = httpx_types.arguments(step.request)
        try:
            return httpx_types.reply(await self._http.request(method, url, headers=headers, content=content))
        except httpx.RequestError as error:
            return httpx_types.lost(error)
