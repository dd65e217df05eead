"""The staging bucket in memory."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import google_crc32c

from shared.domain.errors import StagedFileUnusable
from shared.steps.ports import OpenedFile


def crc32c(content: bytes) -> str:
    """Return the checksum in GCS's format."""
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()


@dataclass(slots=True)
class FakeStagedFiles:
    """Implements the port StagedFiles; ``contents`` by path."""

    contents: dict[str, bytes] = field(default_factory=dict)

    @contextmanager
    def open(self, path: str, size: int) -> Iterator[OpenedFile]:
        content = self.contents.get(path)
        if content is None:
            raise StagedFileUnusable("A staged file is gone", detail=path)
        if len(content) != size:
            raise StagedFileUnusable("A staged file is of another size", detail=path)
        yield OpenedFile(io.BytesIO(content), crc32c(content))

    def delete(self, prefix: str) -> None:
        for path in [path for path in self.contents if path.startswith(prefix)]:
            del self.contents[path]
