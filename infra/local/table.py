"""Fills the local Snowflake: the generated sample, or a file of the user's own."""

from pathlib import Path

from infra.local import sample
from infra.local.layout import Layout
from infra.local.options import ROOT, StackOptions

TABLE = "BASE.ASSETS.ERC20_TOKEN_TRANSFERS"
SEED = 1


def load(options: StackOptions, layout: Layout) -> None:
    """Load the table and make the stage that unloads go to."""
    sample.load(layout.url("snowflake"), data_file(options), TABLE)


def data_file(options: StackOptions) -> Path:
    """The file that the table is loaded from.

    The sample is generated once: it is the same for the same rows, seed and generator.
    """
    if options.data:
        return options.data
    path = ROOT / ".cache" / "sample" / f"{options.rows}-{SEED}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        sample.write(path, options.rows, SEED)
    return path
