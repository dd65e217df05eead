"""Checks whether a stream holds a subject, before a job is created."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from shared.destinations.nats.connection import Access
from shared.destinations.nats.streams import why_nobody_listens
from shared.domain.errors import DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsPresence:
    """Implements Presence: a server accepts the credentials, and a stream holds the subject."""

    access: Access
    monotonic: Callable[[], float]

    def require(self, delivery: ChunkDelivery, until: float) -> None:
        """Accept credentials without permission to query streams, because they may still publish."""
        try:
            asyncio.run(asyncio.wait_for(self._require(delivery), until - self.monotonic()))
        except TimeoutError:
            raise Unavailable("NATS", detail="no answer in time") from None

    async def _require(self, delivery: ChunkDelivery) -> None:
        connection = await self.access.connected(delivery)
        try:
            subject = delivery.destination.options["subject"]
            # As after acknowledged rows: only an answer without a stream counts as a refusal.
            found = await why_nobody_listens(connection.client, subject, acknowledged=True)
        finally:
            await connection.client.abort()
        if isinstance(found, DestinationRefused):
            raise found
