"""Folders for the suites' stacks, which end with them; the logs of one that saw a fault are kept."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.reliability import report

KEPT = report.FOLDER / "logs"


class StackFolder:
    """``path`` is empty at first; the stack's logs come to lie in ``path / "logs"``."""

    def __init__(self, path: Path, kept: Path) -> None:
        self.path = path
        self._kept = kept

    def keep_logs(self) -> None:
        """Copy the logs as they are now to where they outlive the stack."""
        shutil.rmtree(self._kept, ignore_errors=True)
        shutil.copytree(self.path / "logs", self._kept)


@contextmanager
def stack_folder(name: str, kept: Path = KEPT) -> Iterator[StackFolder]:
    """A folder of one stack, by a name that is its own; its logs replace those kept by that name before."""
    with tempfile.TemporaryDirectory() as folder:
        yield StackFolder(Path(folder), kept / name)
