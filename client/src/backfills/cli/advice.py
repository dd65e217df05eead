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
            f"Mend that, then: backfills retry {name}  (sends only what is not yet delivered)",
        ]
    if job.status == "cancelled":
        return ["It was cancelled. Rows that have arrived stay."]
    if job.status == "completed":
        return []
    troubled = [
        f"{printable(each.type)} {printable(each.name)}: {printable(each.state.last_error)}"
        for each in job.destinations
        if each.state is not None and each.state.last_error and each.state.status != "done"
    ]
    if troubled:
        troubled.append(
            "The service goes on trying, and nothing is lost. Mend the receiver;"
            f" if that takes long: backfills pause {name}"
        )
    if job.paused:
        troubled.append(f"It is paused; have it go on: backfills resume {name}")
    return troubled
