"""Fills the local Snowflake: the generated sample, or a file of the user's own."""

import hashlib
import inspect
from pathlib import Path

from infra.local import sample, sample_rows
from infra.local.layout import Layout
from infra.local.options import ROOT, StackOptions

TABLE = "BASE.ASSETS.ERC20_TOKEN_TRANSFERS"
SEED = 1


def load(layout: Layout, data: Path) -> None:
    """Load a Parquet or CSV file into the table, and make the stage that unloads go to."""
    sample.load(layout.url("snowflake"), data, TABLE)


def data_file(options: StackOptions) -> Path:
    """Path of the file the table is loaded from; the sample is generated when it is first asked for."""
    return options.data or _sample(options.rows)


def _sample(rows: int) -> Path:
    """The same file for the same rows, seed and generator."""
    generator = inspect.getsource(sample) + inspect.getsource(sample_rows)
    made_by = hashlib.sha256(generator.encode()).hexdigest()[:12]
    path = ROOT / ".cache" / "sample" / f"{rows}-{SEED}-{made_by}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        sample.write(path, rows, SEED)
    return path
