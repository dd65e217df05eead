"""The jobs that sent to one place at the same time, whose rows without labels nobody can tell apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.destination import Destination
from shared.domain.jobs import Job, JobStatus

# Senders' and brokers' clocks differ, and a commit takes a moment.
_MARGIN = timedelta(minutes=5)

Sent = tuple[Job, Destination]
"""A job, and its destination to compare."""


@dataclass(frozen=True, slots=True)
class Span:
    """The job to compare comes first. The others are there only if its rows have no labels."""

    sent: tuple[Sent, ...]
    since: datetime
    until: datetime

    @property
    def first(self) -> Sent:
        return self.sent[0]

    @property
    def marked(self) -> bool:
        """Return whether the first job's rows have no labels."""
        return _is_marked(self.first)

    @property
    def others(self) -> tuple[Sent, ...]:
        return self.sent[1:]


def span_of(first: Sent, others: Iterable[Sent], now: datetime) -> Span:
    """Return the first job, with all others of the same place that overlap it directly or indirectly.

    Rows with labels name their job. So the others matter only if neither their rows nor the first job's have
    labels.
    """
    sent, waiting = [first], [*filter(_is_marked, others)] if _is_marked(first) else []
    since, until = _time_of(first, now)
    while overlapping := [
        other for other in waiting if _time_of(other, now)[0] < until and since < _time_of(other, now)[1]
    ]:
        sent += overlapping
        waiting = [other for other in waiting if other not in overlapping]
        since = min(since, *(_time_of(other, now)[0] for other in overlapping))
        until = max(until, *(_time_of(other, now)[1] for other in overlapping))
    return Span(tuple(sent), since, until)


def key_of(sent: Sent) -> tuple[str, str]:
    """Return what names the job and its destination, however they have changed since."""
    job, destination = sent
    return job.job_id, destination.uid


def is_whole(sent: Sent) -> bool:
    """Return whether the destination certainly has the job's slice, except for rows that the receipt names
    as skipped.
    """
    job, _ = sent
    return job.status is JobStatus.COMPLETED and not job.records_removed


def _time_of(sent: Sent, now: datetime) -> tuple[datetime, datetime]:
    job, _ = sent
    return job.time_created - _MARGIN, (job.time_completed or now) + _MARGIN


def _is_marked(sent: Sent) -> bool:
    _, destination = sent
    return destination.traits.marked
