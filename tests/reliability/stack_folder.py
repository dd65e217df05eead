"""Folders for the suites' stacks, which are removed with them; the logs of a stack with a fault are kept."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.reliability import report

KEPT = report.FOLDER / "logs"


class StackFolder:
    """``path`` is empty at first; the stack's logs will be in ``path / "logs"``."""

    def __init__(self, path: Path, kept: Path) -> None:
        self.path = path
        self._kept = kept

    def keep_logs(self) -> None:
        """Copy the current logs to where they outlive the stack, as far as possible."""
        shutil.rmtree(self._kept, ignore_errors=True)
        # A log may be rotated away at this moment, which must not hide the fault itself.
        with suppress(OSError):
            shutil.copytree(self.path / "logs", self._kept)


@contextmanager
def stack_folder(name: str, kept: Path = KEPT) -> Iterator[StackFolder]:
    """Create one stack's folder under its own name; its logs replace earlier ones of that name.

    An error that ends the stack is a fault, too.
    """
    with tempfile.TemporaryDirectory() as path:
        folder = StackFolder(Path(path), kept / name)
        try:
            yield folder
        except BaseException:
            folder.keep_logs()
            raise
