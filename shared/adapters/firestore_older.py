"""What jobs' documents of older releases mean, which lack fields that later decisions need."""

from collections.abc import Mapping
from typing import Any

from shared.domain.jobs import Job

_OF = "unreconciled_of"


def belongs_to(job: Job) -> dict[str, Any]:
    """Return a field beside ``unreconciled_since``: the retry and the resume after which the value holds.

    An instance of an older release changes these two, and leaves the value as it is.
    """
    return {_OF: {"retry": job.retry, "time_resumed": job.time_resumed}}


def concluded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields to assume for a job's document.

    Older releases do not keep ``unreconciled_since``. They asked the destinations while the markers of the
    last stop lived. So of a job that they retried or resumed, they may have missed any commit of its attempt.
    """
    retry, time_resumed = fields.get("retry", 0), fields.get("time_resumed")
    last = {"retry": retry, "time_resumed": time_resumed}
    # Jobs that were last changed before the second field was added have only the first one.
    if "unreconciled_since" in fields and fields.get(_OF, last) == last:
        return {}
    if fields["num_chunks"] is None or not (retry or time_resumed):
        return {"unreconciled_since": None}
    return {"unreconciled_since": fields["attempt"]["claimed_at"], "reconciled": False}


def changes(stored: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields to write into a job's document.

    They include the concluded fields, because this change may remove the fields that imply them.
    """
    unwritten = concluded(stored)
    known = {**before, _OF: stored.get(_OF)}
    return {name: value for name, value in after.items() if value != known[name] or name in unwritten}
