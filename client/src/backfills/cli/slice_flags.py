"""The flags that describe a backfill, shared by create and estimate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def slice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that describe a backfill; they arrive by their names."""
    added = [
        click.option(
            "-f", "--file", metavar="FILE", help="YAML or JSON with the API's fields; - is standard input."
        ),
        click.option("--table", metavar="NAME", help="catalog.schema.table"),
        click.option("--start", metavar="TIME", help="First moment or block of the slice."),
        click.option("--end", metavar="TIME", help="First moment or block after the slice."),
        click.option("--partition-key", metavar="COLUMN", help="The window's column (block_timestamp)."),
        click.option(
            "--filter",
            "filters",
            multiple=True,
            metavar="COLUMN=VALUE",
            help="Select rows with these values; :=VALUE for a number.",
        ),
        click.option(
            "--column",
            "columns",
            multiple=True,
            metavar="NAME[=AS]",
            help="Include only this column; repeatable.",
        ),
        click.option(
            "--to",
            "destinations",
            multiple=True,
            metavar="TYPE:NAME[,FIELD=VALUE…]",
            help="A destination, for example kafka:transfers; repeatable.",
        ),
        click.option("--name", metavar="TEXT", help="A name for the job."),
        click.option(
            "--static-egress-ip", is_flag=True, default=None, help="Send rows from fixed addresses."
        ),
        click.option(
            "--max-parallel-chunks",
            type=int,
            metavar="COUNT",
            help="Maximum number of chunks delivered at once.",
        ),
        click.option(
            "--oversized-rows",
            type=click.Choice(["fail", "skip"]),
            help="What to do with rows that are too large.",
        ),
    ]
    for each in reversed(added):
        command = each(command)
    return command


def body_of(file: str | None, flags: dict[str, Any]) -> dict[str, Any]:
    """Return the request for create and estimate."""
    from backfills.cli import body

    return body.join({} if file is None else body.read(file), flags)
