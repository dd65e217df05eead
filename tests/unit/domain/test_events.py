"""Events: the source of metrics and the audit record, with current documentation."""

from pathlib import Path

from shared.domain.events import JobRetried, JobsCensus, describe, fields_of
from tests.generated import check_table

DOCUMENT = Path(__file__).parents[3] / "docs/observability.md"


def test_what_a_client_had_done_is_for_the_record_with_the_name_of_its_key() -> None:
    event = JobRetried(organization_id="acme", job_id="job", key_id="0123456789ab")
    assert fields_of(event) == {
        "event": "job_retried",
        "audit": True,
        "organization_id": "acme",
        "job_id": "job",
        "key_id": "0123456789ab",
    }


def test_what_only_counts_is_not() -> None:
    assert fields_of(JobsCensus(status="staging", count=3)) == {
        "event": "jobs_census",
        "status": "staging",
        "count": 3,
    }


def test_the_documentation_lists_the_events_as_they_are() -> None:
    check_table(DOCUMENT, describe())
