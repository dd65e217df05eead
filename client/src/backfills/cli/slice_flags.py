"""The flags that describe a backfill, shared by create and estimate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def slice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that describe a backfill; they arrive by their names."""
    added = [
        click.option(
            "-f", "--file", metavar="FILE", help="YAML or JSON with the API's fields; - is standard input."
        ),
        click.option("--table", metavar="NAME", help="catalog.schema.table"),
        click.option("--start", metavar="TIME", help="First moment or block of the slice."),
        click.option("--end", metavar="TIME", help="The first behind it."),
        click.option("--partition-key", metavar="COLUMN", help="block_timestamp, unless it is another."),
        click.option(
            "--filter",
            "filters",
            multiple=True,
            metavar="COLUMN=VALUE",
            help="Only these; :=VALUE for a number.",
        ),
        click.option(
            "--column", "columns", multiple=True, metavar="NAME[=AS]", help="Only this column; repeatable."
        ),
        click.option(
            "--to",
            "destinations",
            multiple=True,
            metavar="TYPE:NAME[,FIELD=VALUE…]",
            help="A destination, such as kafka:transfers; repeatable.",
        ),
        click.option("--name", metavar="TEXT", help="The job's name, for people."),
        click.option(
            "--static-egress-ip", is_flag=True, default=None, help="Rows leave from fixed addresses."
        ),
        click.option(
            "--max-parallel-chunks", type=int, metavar="COUNT", help="Chunks delivered at once, at most."
        ),
        click.option(
            "--oversized-rows", type=click.Choice(["fail", "skip"]), help="What becomes of rows too large."
        ),
    ]
    for each in reversed(added):
        command = each(command)
    return command


def body_of(file: str | None, flags: dict[str, Any]) -> dict[str, Any]:
    """The request, as create and estimate take it."""
    from backfills.cli import body

    return body.join({} if file is None else body.read(file), flags)
