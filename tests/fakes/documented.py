"""The readers that the pages of `docs/destinations` begin with, run as they stand there."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from infra.local import environments

_PAGES: Final = Path(__file__).parents[2] / "docs/destinations"
_SECONDS: Final = 120.0


def program(page: str) -> str:
    """The page's only fenced block of Python that is marked as the reader."""
    text = (_PAGES / page).read_text()
    (found,) = re.findall(r"<!-- tested: reader -->\n```python\n(.*?)```", text, re.DOTALL)
    return str(found)


def rows_of_reader(
    page: str, folder: Path, environment: Mapping[str, str]
) -> list[tuple[str, str, int, str]]:
    """What the page's reader has stored when it ends: job, chunk, row and body, by row."""
    subprocess.run(  # noqa: S603 - the documentation's own lines
        [sys.executable, "-c", program(page)],
        cwd=folder,
        env={**environments.base(), **environment},
        check=True,
        timeout=_SECONDS,
    )
    with closing(sqlite3.connect(folder / "rows.db")) as store:
        found = store.execute("SELECT job, chunk, CAST(row AS INTEGER), body FROM rows ORDER BY 3")
        return [(str(job), str(chunk), int(row), str(body)) for job, chunk, row, body in found]
