"""A staged file's rows as JSON lines, for ``shared/encoding/native.py``."""

from collections.abc import Callable, Sequence

class Unreadable(Exception):
    """The crate cannot read the rows; the Python encoder may still read them, and words the file's error."""

class Batch:
    """Implements the port EncodedBatch."""

    @property
    def first_row(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def ndjson(self) -> bytes: ...
    def part(self, start: int, rows: int) -> Batch: ...
    def lines(self) -> list[bytes]: ...
    def keys(self) -> list[bytes | None] | None: ...
    def json_array(self) -> bytes: ...

class Reader:
    """Reads and encodes without the interpreter's lock; one caller at a time.

    ``footer`` is the file's metadata in Parquet's own form. ``columns`` are the job's: each one's place in
    the file, its field's name (None: it is hidden), and whether its text is already JSON. ``key`` is the
    index of the key column among them. ``embeddable`` converts text that may not be JSON to a JSON value.
    Every method raises Unreadable.
    """

    def __init__(
        self,
        footer: bytes,
        columns: Sequence[tuple[int, str | None, bool]],
        key: int | None,
        embeddable: Callable[[bytes], bytes],
    ) -> None: ...
    def span(self, group: int) -> tuple[int, int]:
        """Return where a row group begins and ends in the file, in bytes."""
    def open(self, group: int, start: int, content: bytes, rows_per_read: int, skip: int) -> None:
        """Open a row group, whose span has ``content``, and skip its first ``skip`` rows."""
    def next(self, most_rows: int, most_bytes: int, first_row: int) -> Batch | None:
        """Return the next batch, or None if the open row group ends before it is full; it keeps the rows.

        A batch is full with ``most_rows`` rows, or once its rows and keys have ``most_bytes``.
        """
    def rest(self, first_row: int) -> Batch | None:
        """Return the kept rows as the last batch."""
