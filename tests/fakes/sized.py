"""Rows of chosen sizes, incompressible unless they are ``flat``."""

import random
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from shared.steps.sending import MOST_BATCH_BYTES
from tests.fakes.json_only import JsonOnly

_LETTERS = (string.ascii_letters + string.digits + "-_").encode()


@dataclass(frozen=True, slots=True)
class SizedBatch:
    """Implements the port EncodedBatch."""

    first_row: int
    texts: Sequence[bytes]

    @property
    def rows(self) -> int:
        return len(self.texts)

    @property
    def size(self) -> int:
        return sum(map(len, self.texts)) + len(self.texts)

    @property
    def ndjson(self) -> bytes:
        return b"".join(line + b"\n" for line in self.lines())

    def part(self, start: int, rows: int) -> "SizedBatch":
        return SizedBatch(self.first_row + start, self.texts[start : start + rows])

    def lines(self) -> Sequence[bytes]:
        return self.texts

    def keys(self) -> Sequence[bytes | None]:
        return [b"key-%d" % number for number in range(self.first_row, self.first_row + self.rows)]

    def json_array(self) -> bytes:
        return b"[" + b",".join(self.texts) + b"]"


@dataclass
class SizedRows(JsonOnly):
    """Implements the port Rows: JSON of exactly the given bytes per row; ``before`` as for numbered rows."""

    sizes: Sequence[int]
    flat: bool = False
    before: Callable[[int], object] = lambda _: None
    texts: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        source = random.Random(1)  # noqa: S311 - the same texts in every run
        self.texts = [self._text(source, number, size) for number, size in enumerate(self.sizes)]

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator[SizedBatch]:
        for start in range(first_row, len(self.texts), rows_per_batch):
            rest = self.texts[start : start + rows_per_batch]
            first = start
            while rest:
                self.before(first)
                sizes = accumulate(len(b"%skey-%d\n" % (text, row)) for row, text in enumerate(rest, first))
                count = 1 + sum(size < most_bytes for size in list(sizes)[:-1])
                yield SizedBatch(first, rest[:count])
                first, rest = first + count, rest[count:]

    def _text(self, source: random.Random, number: int, size: int) -> bytes:
        head, tail = b'{"row": %d, "text": "' % number, b'"}'
        width = size - len(head) - len(tail)
        letters = source.randbytes(width).translate(_LETTERS * 4)
        return head + (b"x" * width if self.flat else letters) + tail
