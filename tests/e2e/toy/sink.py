"""Writes a chunk's rows as lines of a file."""

from pathlib import Path

from shared.steps.sending import ChunkDelivery, Pulse, Rows


class ToySink:
    """Implements Sink."""

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Write the file, replacing an existing one."""
        lines: list[bytes] = []
        for batch in rows.batches(delivery.batch_rows):
            pulse.check()
            lines += batch.lines()
        folder = Path(delivery.destination.options["folder"])
        (folder / f"{delivery.job_id}-{delivery.chunk}").write_bytes(b"\n".join(lines))
        return True
