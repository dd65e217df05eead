"""What jobs' documents of older releases mean, which lack fields that later decisions need."""

from collections.abc import Mapping
from typing import Any


def concluded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields to assume for a job's document.

    Older releases did not keep ``unreconciled_since``. They asked the destinations while the markers of the
    last stop lived. So of a job that was retried or resumed, they may have missed any commit of its attempt.
    """
    if "unreconciled_since" in fields:
        return {}
    if fields["num_chunks"] is None or not (fields.get("retry") or fields.get("time_resumed")):
        return {"unreconciled_since": None}
    return {"unreconciled_since": fields["attempt"]["claimed_at"], "reconciled": False}


def changes(stored: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields to write into a job's document.

    They include the concluded fields, because this change may remove the fields that imply them.
    """
    unwritten = concluded(stored)
    return {name: value for name, value in after.items() if value != before[name] or name in unwritten}
