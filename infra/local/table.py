"""Fills the local Snowflake with the generated sample, or with the user's own file."""

import hashlib
import inspect
from pathlib import Path

from infra.local import sample, sample_rows
from infra.local.layout import Layout
from infra.local.options import ROOT, StackOptions

TABLE = "BASE.ASSETS.ERC20_TOKEN_TRANSFERS"
SEED = 1


def load(layout: Layout, data: Path) -> None:
    """Load a Parquet or CSV file into the table, and create the stage for unloads."""
    sample.load(layout.url("snowflake"), data, TABLE)


def data_file(options: StackOptions) -> Path:
    """Return the path of the file to load. The first call generates the sample."""
    return options.data or _sample(options.rows)


def _sample(rows: int) -> Path:
    """Return the sample's path, which is the same for the same rows, seed and generator."""
    generator = inspect.getsource(sample) + inspect.getsource(sample_rows)
    made_by = hashlib.sha256(generator.encode()).hexdigest()[:12]
    path = ROOT / ".cache" / "sample" / f"{rows}-{SEED}-{made_by}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        sample.write(path, rows, SEED)
    return path
