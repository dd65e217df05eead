"""The client for programs that run on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
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


class AsyncClient:
    """As ``Client``, for asyncio; may be used by several tasks of one event loop.

    ``timeout``: seconds until a single try is given up. ``retries``: how calls are tried again.

    >>> async with AsyncClient(url, api_key) as client:
    ...     print([job.status async for job in client.list()])
    ['transporting']
    """

    def __init__(
        self, url: str, api_key: str, *, timeout: float = 60.0, retries: Retries | None = None
    ) -> None:
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(
            base_url=transport.base_url(url),
            headers=transport.headers(api_key),
            timeout=httpx.Timeout(timeout, connect=transport.CONNECT_SECONDS),
        )

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def create(
        self, new: NewBackfill | Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Created:
        """Create a backfill, from its fields or from the body as the API takes it.

        All tries carry one ``Idempotency-Key``, so they make one job. Give your own, and a call that you
        repeat within 24 hours, also from another process, makes no second job either.

        >>> (await client.create(body)).workflow_id.startswith("beam-backfill-")
        True
        """
        return await self._call(calls.create(new, idempotency_key))

    async def estimate(self, new: NewBackfill | Mapping[str, Any]) -> Estimate:
        """What the backfill would be; makes no job. Name and destinations may be left out.

        >>> (await client.estimate(body)).rows
        1200
        """
        return await self._call(calls.estimate(new))

    async def get(self, job_id: str) -> Job:
        """One job, with its progress.

        >>> (await client.get(job_id)).status
        'transporting'
        """
        return await self._call(calls.get(job_id))

    def list(self, *statuses: Status, newest_first: bool = False) -> AsyncIterator[ListedJob]:
        """The organization's jobs, oldest first, of these statuses or of any; asked for page by page.

        >>> [job.job_name async for job in client.list("transporting", newest_first=True)]
        ['One day']
        """
        first = calls.first_jobs(statuses, newest_first=newest_first)
        return self._iterate(scripts.pages(calls.jobs, first, self._retries))

    async def cancel(self, job_id: str) -> Job:
        """Stop the job; rows that have arrived stay.

        >>> (await client.cancel(job_id)).status
        'cancelled'
        """
        return await self._call(calls.cancel(job_id))

    async def retry(self, job_id: str) -> Job:
        """Have a failed job go on with what is not yet delivered.

        When the answer is lost, it is not tried again, for the second would be refused: look at the job.

        >>> (await client.retry(failed_id)).status
        'transporting'
        """
        return await self._call(calls.retry(job_id))

    async def pause(self, job_id: str) -> Job:
        """Stop the job's deliveries within 5 seconds, until it is resumed.

        >>> (await client.pause(job_id)).paused
        True
        """
        return await self._call(calls.pause(job_id))

    async def resume(self, job_id: str) -> Job:
        """Have a paused job go on where it was.

        >>> (await client.resume(job_id)).paused
        False
        """
        return await self._call(calls.resume(job_id))

    async def receipt(self, job_id: str) -> Receipt:
        """What was unloaded and what each destination was given; Conflict while the job is staging.

        >>> (await client.receipt(job_id)).balanced
        True
        """
        return await self._call(calls.receipt(job_id))

    def receipt_chunks(self, job_id: str) -> AsyncIterator[ReceiptChunk]:
        """The receipt chunk by chunk, by their numbers; asked for page by page.

        >>> [chunk.rows async for chunk in client.receipt_chunks(job_id)]
        [700, 500]
        """
        call = partial(calls.receipt_chunks, job_id)
        return self._iterate(scripts.pages(call, calls.FIRST_CHUNKS, self._retries))

    def watch(self, job_id: str, *, interval: float = 2.0) -> AsyncIterator[Job]:
        """The job now and every ``interval`` seconds, lastly as it ended. To stop watching stops no job.

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
        method, url, headers, content = transport.arguments(step.request)
        try:
            return transport.reply(await self._http.request(method, url, headers=headers, content=content))
        except httpx.RequestError as error:
            return transport.lost(error)
