"""The commands. Each imports its dependencies when it runs, so that help and completion are fast."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice
from json import dumps
from typing import TYPE_CHECKING, Any

import click

import backfills
from backfills.cli.common import Choices, client, job_id, json_of, options, show_all_json, show_json
from backfills.cli.exits import Exit
from backfills.cli.program import EPILOG, Program
from backfills.cli.slice_flags import body_of, slice_options
from backfills.cli.text import printable, say, whisper

if TYPE_CHECKING:
    from backfills.models import Status
    from backfills.sync_client import Client

STATUSES = ("staging", "transporting", "completed", "failed", "cancelled")
argument_job = click.argument("job", metavar="JOB_ID", callback=job_id)
option_interval = click.option(
    "--interval", type=click.FloatRange(min=0.05), default=2.0, help="Seconds between two polls (2)."
)


@click.group(
    cls=Program,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(backfills.__version__, prog_name="backfills")
def app() -> None:
    """Create, watch and control backfills."""


@app.command()
@slice_options
@click.option(
    "--estimate", "estimated", is_flag=True, help="Show the estimate first; at a terminal, confirm."
)
@click.option("--watch", "watched", is_flag=True, help="Watch the job to its end.")
@click.option("--dry-run", is_flag=True, help="Show the request, and create nothing.")
@click.option("--idempotency-key", metavar="KEY", help="Repeated within 24 hours, it creates one job.")
@option_interval
@options
def create(
    choices: Choices,
    file: str | None,
    *,
    estimated: bool,
    watched: bool,
    dry_run: bool,
    idempotency_key: str | None,
    interval: float,
    **flags: Any,
) -> int:
    """Create a backfill from flags, a file or both; flags override the file."""
    from backfills.cli import creating

    how = creating.How(estimated, watched, dry_run, idempotency_key, interval)
    return creating.create(choices, body_of(file, flags), how)


@app.command()
@slice_options
@options
def estimate(choices: Choices, file: str | None, **flags: Any) -> None:
    """Estimate a backfill: rows, chunks, bytes, cost. Takes the same options as create."""
    from backfills.cli import show

    body = body_of(file, flags)
    with client(choices) as service:
        found = service.estimate(body)
    if choices.as_json:
        show_json(found)
    else:
        say(show.estimate(found))


@app.command(name="list")
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only these; repeatable."
)
@click.option("--oldest-first", is_flag=True, help="Oldest jobs first, instead of newest.")
@click.option("--limit", type=click.IntRange(min=0), default=50, help="Maximum number (50); 0 for all.")
@options
def list_jobs(choices: Choices, statuses: tuple[Status, ...], *, oldest_first: bool, limit: int) -> None:
    """List the jobs, newest first."""
    from backfills.cli import show

    with client(choices) as service:
        found = list(islice(service.list(*statuses, newest_first=not oldest_first), limit or None))
    if choices.as_json:
        show_all_json(found)
    elif found:
        say(show.jobs(found))
    else:
        whisper("No jobs match.")


@app.command()
@argument_job
@options
def get(choices: Choices, job: str) -> None:
    """Show a job and the state of each destination."""
    _one(choices, lambda service: service.get(job))


@app.command()
@argument_job
@option_interval
@options
def watch(choices: Choices, job: str, interval: float) -> int:
    """Watch a job to its end. Ctrl-C stops watching, not the job."""
    from backfills.cli import watching

    with client(choices, watching=True) as service:
        return watching.watch(service, job, interval, as_json=choices.as_json)


@app.command()
@argument_job
@options
def cancel(choices: Choices, job: str) -> None:
    """Stop a job for good; delivered rows stay."""
    _one(choices, lambda service: service.cancel(job))


@app.command()
@argument_job
@options
def retry(choices: Choices, job: str) -> None:
    """Resume a failed job with only its undelivered rows."""
    _one(choices, lambda service: service.retry(job))


@app.command()
@argument_job
@options
def pause(choices: Choices, job: str) -> None:
    """Stop a job's deliveries until it is resumed."""
    _one(choices, lambda service: service.pause(job))


@app.command()
@argument_job
@options
def resume(choices: Choices, job: str) -> None:
    """Resume a paused job where it stopped."""
    _one(choices, lambda service: service.resume(job))


def _one(choices: Choices, call: Callable[[Client], Any]) -> None:
    from backfills.cli import show

    with client(choices) as service:
        found = call(service)
    if choices.as_json:
        show_json(found)
    else:
        say(show.job(found))


@app.command()
@argument_job
@click.option("--chunks", is_flag=True, help="Show each chunk and its deliveries.")
@options
def receipt(choices: Choices, job: str, *, chunks: bool) -> None:
    """Show what Snowflake unloaded, and what each destination has of it."""
    from backfills.cli import show

    with client(choices) as service:
        if not chunks:
            found = service.receipt(job)
            say(json_of(found) if choices.as_json else show.receipt(found))
            return
        for chunk in service.receipt_chunks(job):
            say(json_of(chunk) if choices.as_json else show.chunk(chunk))


@app.command()
@argument_job
@click.option("--most", type=click.IntRange(min=0), default=20, help="Number of differences to name (20).")
@options
def verify(choices: Choices, job: str, most: int) -> int:
    """Compare what Snowflake unloaded with what each destination has, chunk by chunk, using the receipt."""
    from backfills.cli import verifying

    with client(choices) as service:
        found = verifying.verify(service.receipt(job), service.receipt_chunks(job), most)
    say(dumps(found.as_json()) if choices.as_json else verifying.shown(found))
    return Exit.DONE if found.equal else Exit.DIFFERENT


@app.command(name="open")
@argument_job
@options
def open_job(choices: Choices, job: str) -> None:
    """Open a job's console page in a browser, and print its address."""
    import webbrowser
    from urllib.parse import quote

    from backfills.cli import profiles

    address = f"{profiles.address(choices.profile).strip().rstrip('/')}/console/jobs/{quote(job, safe='')}"
    click.echo(dumps({"url": address}) if choices.as_json else printable(address))
    if not choices.as_json and sys.stdout.isatty() and not webbrowser.open(address):
        whisper("No browser is available: open the address yourself.")


@app.command()
@click.option("--url", metavar="URL", help="The service's address; prompts if it is missing.")
@click.option("--no-check", is_flag=True, help="Store the key without checking it.")
@options
def login(choices: Choices, url: str | None, *, no_check: bool) -> None:
    """Store the service's address and an API key as a profile.

    Prompts for the key, or reads it from standard input. There is no flag for it, because other users of the
    machine could see it.
    """
    from backfills.cli import signing_in

    signing_in.login(choices, url, check=not no_check)


@app.command()
@options
def logout(choices: Choices) -> None:
    """Remove a profile and its key."""
    from backfills.cli import signing_in

    signing_in.logout(choices)


@app.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a completion script for a shell."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"There is no completion for {shell}")
    click.echo(made(app, {}, "backfills", "_BACKFILLS_COMPLETE").source())
