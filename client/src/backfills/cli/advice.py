"""What went wrong with a job, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backfills.cli.text import printable

if TYPE_CHECKING:
    from backfills.models import Job


def advice(job: Job) -> list[str]:
    """Lines for people; none where all is well."""
    name = printable(job.job_id)
    if job.status == "failed":
        return [
            f"Why: {printable(job.error_message or 'the service does not say')}",
            "Mend that, then retry: it sends only what is not yet delivered.",
            f"  backfills retry {name}",
        ]
    if job.status == "cancelled":
        return ["It was cancelled. Rows that have arrived stay."]
    if job.status == "completed":
        return [f"Look at this: {printable(warning)}" for warning in job.warnings]
    troubled = [
        f"{printable(each.type)} {printable(each.name)}: {printable(each.state.last_error)}"
        for each in job.destinations
        if each.state is not None and each.state.last_error and each.state.status != "done"
    ]
    if job.paused:
        return [*troubled, "It is paused. To have it go on:", f"  backfills resume {name}"]
    if not troubled:
        return []
    return [
        *troubled,
        "The service goes on trying, and nothing is lost. Mend that; if it takes long, pause the job.",
        f"  backfills pause {name}",
    ]
