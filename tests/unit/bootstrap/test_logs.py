"""Logs: one JSON object per line, as Cloud Logging reads them, each with the context of its work."""

import logging
from datetime import UTC, datetime

from shared.bootstrap.logs import log, report, working_on
from shared.domain.events import JobCreated
from shared.domain.traces import Trace, working_in
from tests.unit.conftest import Logged

TRACE = Trace("a" * 32, "b" * 16, sampled=True)


def test_an_entry_is_one_line_with_its_own_keys(logged: Logged) -> None:
    log(logging.INFO, "the message is handled", {"job_id": "job", "chunk": 3})
    [entry] = logged()
    assert datetime.fromisoformat(entry.pop("time")).tzinfo is UTC
    assert entry == {
        "severity": "INFO",
        "message": "the message is handled",
        "logger": "backfills",
        "job_id": "job",
        "chunk": 3,
    }


def test_an_error_carries_its_trace_in_the_same_line(logged: Logged) -> None:
    log(logging.ERROR, "it could not be handled", {}, error=ValueError("two\nlines"))
    [entry] = logged()
    assert "ValueError: two\nlines" in entry["stack_trace"]


def test_vendors_clients_are_heard_from_warnings_on(logged: Logged) -> None:
    logging.getLogger("google.cloud").info("chatter")
    logging.getLogger("google.cloud").warning("trouble")
    [entry] = logged()
    assert entry["severity"] == "WARNING"


def test_whoever_writes_an_entry_it_tells_the_work_and_the_trace(logged: Logged) -> None:
    with working_on({"job_id": "job"}), working_on({"chunk": 3}), working_in(TRACE):
        logging.getLogger("google.cloud").warning("trouble")
    logging.getLogger("google.cloud").warning("trouble")
    inside, outside = logged()
    assert (inside["job_id"], inside["chunk"]) == ("job", 3)
    assert inside["logging.googleapis.com/trace"] == f"projects/project/traces/{'a' * 32}"
    assert inside["logging.googleapis.com/spanId"] == "b" * 16
    assert inside["logging.googleapis.com/trace_sampled"] is True
    assert not {"job_id", "chunk", "logging.googleapis.com/trace"} & outside.keys()


def test_an_event_is_an_entry_that_names_it_and_says_if_it_is_for_the_record(logged: Logged) -> None:
    report(JobCreated(organization_id="acme", job_id="job", key_id="0123456789ab"))
    [entry] = logged()
    assert (entry["event"], entry["audit"], entry["message"]) == ("job_created", True, "job created")
    assert (entry["organization_id"], entry["job_id"], entry["key_id"]) == ("acme", "job", "0123456789ab")
