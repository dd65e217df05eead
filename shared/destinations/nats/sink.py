"""The NATS sink: a chunk's rows as messages of a subject, many in flight at once."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import nats.errors

from shared.destinations.nats.complaints import meaning
from shared.destinations.nats.connection import Access, Connection
from shared.destinations.nats.sending import LOOK, NatsLimits, Sending
from shared.destinations.requests import Progress
from shared.steps.sending import ChunkDelivery, Pulse, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsSink:
    """Implements Sink. Each delivery has its own connection and event loop."""

    access: Access
    monotonic: Callable[[], float]
    limits: NatsLimits

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Publish the rows of the unacknowledged batches. Return False if time ran out."""
        pulse.check()
        if pulse.seconds_left() < self.limits.least:
            return False
        progress = Progress(delivery, pulse, self.monotonic, self.limits.checkpoint)
        try:
            complete = asyncio.run(_watched(self._deliver(delivery, rows, pulse, progress), pulse))
        except BaseException:
            progress.record_if_possible()
            raise
        if not complete or progress.skipped != delivery.skipped:
            progress.record()
        return complete

    async def _deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse, progress: Progress) -> bool:
        connection = await self.access.connected(delivery)
        try:
            return await self._sending(connection, delivery, pulse, progress).send_all(rows)
        except nats.errors.Error as error:
            raise meaning(connection.failure or error, delivery) from None
        finally:
            # Unacknowledged rows are sent again later.
            await connection.client.abort()

    def _sending(
        self, connection: Connection, delivery: ChunkDelivery, pulse: Pulse, progress: Progress
    ) -> Sending:
        return Sending(connection, delivery, pulse, progress, limits=self.limits, monotonic=self.monotonic)


async def _watched(work: Coroutine[Any, Any, bool], pulse: Pulse) -> bool:
    """Return or raise the work's result. An error of the pulse cancels the work."""
    task = asyncio.create_task(work)
    try:
        while not task.done():
            pulse.check()
            await asyncio.wait({task}, timeout=LOOK)
    except BaseException:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    return task.result()
