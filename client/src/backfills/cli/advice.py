"""A job's problems, and how to fix them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backfills.cli.text import printable

if TYPE_CHECKING:
    from backfills.models import Job


def advice(job: Job) -> list[str]:
    """Return lines for people; none if there is no problem."""
    name = printable(job.job_id)
    if job.status == "failed":
        return [
            f"Reason: {printable(job.error_message or 'the service gives none')}",
            "Fix the cause, then retry: only undelivered rows are sent.",
            f"  backfills retry {name}",
        ]
    if job.status == "cancelled":
        return ["The job was cancelled. Delivered rows stay."]
    if job.status == "completed":
        return [f"Warning: {printable(warning)}" for warning in job.warnings]
    troubled = [
        f"{printable(each.type)} {printable(each.name)}: {printable(each.state.last_error)}"
        for each in job.destinations
        if each.state is not None and each.state.last_error and each.state.status != "done"
    ]
    if job.paused:
        return [*troubled, "The job is paused. To resume it:", f"  backfills resume {name}"]
    if not troubled:
        return []
    return [
        *troubled,
        "The service keeps retrying, and nothing is lost. Fix the cause; if it takes long, pause the job.",
        f"  backfills pause {name}",
    ]
