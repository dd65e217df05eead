"""Find the differences between large sets of rows, in bounded memory.

A row is represented by 16 bytes of its hash. The hashes go to files of a temporary folder, one file for each
first byte, and are then compared file by file. A billion rows take 16 GB of disk per side, and about 1 GB of
memory.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import repeat
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

SIZE = 16
_BUFFERED = 64 * 1024  # bytes, for each of 256 files


def digest_of(key: bytes | None, value: bytes) -> bytes:
    """Hash a row and its key. Two different rows collide with a probability of 2 to the power of -128."""
    hashed = blake2b(value, digest_size=SIZE, key=b"no key" if key is None else b"a key")
    if key is not None:
        hashed.update(b"\0%d\0" % len(key) + key)
    return hashed.digest()


class Digests:
    """The digests of many rows on disk; a context manager."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._files: list[BinaryIO | None] = [None] * 256
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            if file is not None:
                file.close()

    def add(self, digest: bytes) -> None:
        file = self._files[digest[0]]
        if file is None:
            path = self._folder / f"{digest[0]:02x}"
            file = self._files[digest[0]] = path.open("w+b", buffering=_BUFFERED)
        file.write(digest)
        self.rows += 1

    def counted(self) -> Iterator[Counter[bytes]]:
        """Yield the count of each digest, in 256 parts, always in the same order."""
        for file in self._files:
            content = b""
            if file is not None:
                file.flush()
                file.seek(0)
                content = file.read()
            yield Counter(content[start : start + SIZE] for start in range(0, len(content), SIZE))


@dataclass(frozen=True, slots=True)
class Differences:
    """``shared``: a row that is expected is also among the tolerated ones. ``named``: the first differing
    digests with the surplus of each, below 0 for missing rows.
    """

    missing: int
    surplus: int
    shared: bool
    named: Mapping[bytes, int]


def differences(
    expected: Digests, found: Digests, most: int, tolerated: Digests | None = None
) -> Differences:
    """Compare the rows, and name the first ``most`` digests that differ.

    ``tolerated``: rows that may be there beside the expected ones, each at most as often as it is tolerated.
    """
    missing = surplus = 0
    shared = False
    named: dict[bytes, int] = {}
    extra = repeat(Counter[bytes]()) if tolerated is None else tolerated.counted()
    for wanted, there, allowed in zip(expected.counted(), found.counted(), extra, strict=False):
        shared = shared or not wanted.keys().isdisjoint(allowed)
        for digest in wanted.keys() | there.keys():
            lacking = wanted[digest] - there[digest]
            beyond = -lacking - allowed[digest]
            missing += max(0, lacking)
            surplus += max(0, beyond)
            if (lacking > 0 or beyond > 0) and len(named) < most:
                named[digest] = -lacking if lacking > 0 else beyond
    return Differences(missing, surplus, shared, named)
