"""The staging bucket in memory."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from shared.errors import StagedFileUnusable


@dataclass(slots=True)
class FakeStagedFiles:
    """Fulfils the port StagedFiles; ``contents`` by path."""

    contents: dict[str, bytes] = field(default_factory=dict)

    @contextmanager
    def open(self, path: str, size: int) -> Iterator[BinaryIO]:
        content = self.contents.get(path)
        if content is None:
            raise StagedFileUnusable("A staged file is gone", detail=path)
        if len(content) != size:
            raise StagedFileUnusable("A staged file is of another size", detail=path)
        yield io.BytesIO(content)

    def delete(self, prefix: str) -> None:
        for path in [path for path in self.contents if path.startswith(prefix)]:
            del self.contents[path]
