"""A staged file's rows as JSON lines; ``shared/encoding/native.py`` is what uses it."""

from collections.abc import Callable, Sequence

class Unreadable(Exception):
    """The rows can't be read here, which the Python encoder may still do; it says what a file's fault is."""

class Batch:
    """Fulfils the port EncodedBatch."""

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

    ``footer`` is the file's metadata in Parquet's own form. ``columns`` are the job's: where each lies in
    the file, its field's name (None: it is hidden), and whether its text is JSON already. ``key`` is the
    place among them of the one with the keys. ``embeddable`` makes a JSON value of text that is not surely
    one. Every method raises Unreadable.
    """

    def __init__(
        self,
        footer: bytes,
        columns: Sequence[tuple[int, str | None, bool]],
        key: int | None,
        embeddable: Callable[[bytes], bytes],
    ) -> None: ...
    def span(self, group: int) -> tuple[int, int]:
        """Where in the file a row group begins and ends, in bytes."""
    def open(self, group: int, start: int, content: bytes, rows_per_read: int, skip: int) -> None:
        """Go on with a row group, ``content`` being its span, but for its first ``skip`` rows."""
    def next(self, rows_per_batch: int, first_row: int) -> Batch | None:
        """The next batch, or None where the open row group ends before it is full; it is kept then."""
    def rest(self, first_row: int) -> Batch | None:
        """What is kept, as the last batch."""
