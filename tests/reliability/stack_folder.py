"""Folders for the suites' stacks, which end with them; the logs of one that saw a fault are kept."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.reliability import report

KEPT = report.FOLDER / "logs"


class StackFolder:
    """``path`` is empty at first; the stack's logs come to lie in ``path / "logs"``."""

    def __init__(self, path: Path, kept: Path) -> None:
        self.path = path
        self._kept = kept

    def keep_logs(self) -> None:
        """Copy the logs as they are now to where they outlive the stack, as far as they can be copied."""
        shutil.rmtree(self._kept, ignore_errors=True)
        # A log may be rolled away in that very moment, which must not hide the fault itself.
        with suppress(OSError):
            shutil.copytree(self.path / "logs", self._kept)


@contextmanager
def stack_folder(name: str, kept: Path = KEPT) -> Iterator[StackFolder]:
    """A folder of one stack, by a name that is its own; its logs replace those kept by that name before.

    An error that ends the stack is a fault, too.
    """
    with tempfile.TemporaryDirectory() as path:
        folder = StackFolder(Path(path), kept / name)
        try:
            yield folder
        except BaseException:
            folder.keep_logs()
            raise
