"""A sink that stores what it receives; it passes the same contract as the real ones."""

from dataclasses import dataclass, field

from shared.steps.sending import ChunkDelivery, EncodedBatch, Pulse, Rows

BATCH_ROWS = 10


@dataclass
class FakeSink:
    """``delivered`` holds the lines of each (job, chunk, uid), committed as a whole, like Kafka's sink.

    ``failures`` are raised in order, each after one batch; ``declines`` is how often it returns False before
    it accepts a chunk.
    """

    delivered: dict[tuple[str, int, str], list[bytes]] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    declines: int = 0
    deliveries: list[ChunkDelivery] = field(default_factory=list)

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        self.deliveries.append(delivery)
        if self.declines > 0:
            self.declines -= 1
            return False
        name = (delivery.job_id, delivery.chunk, delivery.destination.uid)
        lines: list[bytes] = []
        pulse.check()
        for batch in rows.batches(BATCH_ROWS):
            lines += self._taken(batch)
            pulse.check()
        self.delivered.setdefault(name, lines)
        return True

    def _taken(self, batch: EncodedBatch) -> list[bytes]:
        if self.failures:
            raise self.failures.pop(0)
        return list(batch.lines())

    def lines(self) -> list[bytes]:
        """Return all received rows."""
        return [line for lines in self.delivered.values() for line in lines]
