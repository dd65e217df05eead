"""Which labelled rows were found, with one bit per row."""

from collections.abc import Iterator


class Labelled:
    """The rows of some jobs' chunks; memory is one bit per row."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], bytearray] = {}
        self._rows: dict[tuple[str, int], int] = {}
        self._left_out: dict[tuple[str, int], int] = {}
        self.repeated = 0
        self.found = 0

    def expect(self, job_id: str, chunk: int, rows: int, left_out: int) -> None:
        """Add a chunk of ``rows`` rows, of which ``left_out`` were skipped as too large."""
        self._seen[job_id, chunk] = bytearray((rows + 7) // 8)
        self._rows[job_id, chunk] = rows
        self._left_out[job_id, chunk] = left_out

    @property
    def expected(self) -> int:
        return sum(self._rows.values()) - sum(self._left_out.values())

    def see(self, job_id: str, chunk: int, row: int) -> bool:
        """Mark the row as found; return whether it is expected and new."""
        if not 0 <= row < self._rows.get((job_id, chunk), 0):
            return False
        seen, bit = self._seen[job_id, chunk], 1 << row % 8
        if seen[row // 8] & bit:
            self.repeated += 1
            return False
        seen[row // 8] |= bit
        self.found += 1
        return True

    def missing(self) -> int:
        return max(0, self.expected - self.found)

    def first_missing(self) -> Iterator[str]:
        """Yield the missing rows of chunks that lack more rows than were skipped."""
        for (job_id, chunk), rows in self._rows.items():
            seen = self._seen[job_id, chunk]
            absent = [row for row in range(rows) if not seen[row // 8] & 1 << row % 8]
            if len(absent) > self._left_out[job_id, chunk]:
                yield from (f"missing: job {job_id}, chunk {chunk}, row {row}" for row in absent)
