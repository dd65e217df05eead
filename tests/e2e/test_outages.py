"""While a dependency does not answer, clients get 503, and nothing is half-recorded."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Answer, Client, backfill, kafka
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack


@contextmanager
def frozen(stack: LocalStack, part: str) -> Iterator[None]:
    """Freeze the part: it keeps its connections and answers nothing."""
    stack.pause(part)
    try:
        yield
    finally:
        stack.resume(part)


def assert_unavailable(answer: Answer) -> None:
    assert answer.status == 503, answer
    assert int(answer.headers["Retry-After"]) > 0
    assert list(answer.body) == ["detail"]


def test_a_job_that_pubsub_does_not_confirm_is_refused_and_never_runs(
    stack: LocalStack, client: Client, warehouse: Warehouse
) -> None:
    refused, _ = warehouse.create_hashes("UNCONFIRMED", 3)
    accepted, _ = warehouse.create_hashes("CONFIRMED", 3)
    client.completed(client.create(table=accepted, destinations=[kafka("confirmed")]))
    before = client.list()
    with frozen(stack, "pubsub"):
        began = time.monotonic()
        answer = client.post(backfill(refused, [kafka("unconfirmed")]))
        assert time.monotonic() - began < 45  # seconds; a function may take a minute
        assert_unavailable(answer)
        assert client.list() == before
    # Messages published meanwhile are delivered before this job's.
    client.completed(client.create(table=accepted, destinations=[kafka("confirmed")]))
    assert client.list()[:-1] == before
    assert not any("UNCONFIRMED" in unload["text"] for unload in warehouse.unloads(""))


def test_without_firestore_every_call_is_unavailable_and_nothing_is_recorded(
    stack: LocalStack, client: Client, warehouse: Warehouse
) -> None:
    table, _ = warehouse.create_hashes("UNRECORDED", 3)
    job_id = client.create(table=table, destinations=[kafka("recorded")])
    # Each Firestore request of a call is aborted after ten seconds, and a function within a minute.
    patient = replace(client, timeout=120.0)
    before = [client.completed(job_id)["job_id"]]
    calls: list[Callable[[], Answer]] = [
        lambda: patient.post(backfill(table, [kafka("unrecorded")])),
        lambda: patient.call("GET", ""),
        lambda: patient.call("GET", f"/{job_id}"),
        lambda: patient.cancel(job_id),
    ]
    with frozen(stack, "firestore"), ThreadPoolExecutor(len(calls)) as pool:
        for answer in pool.map(lambda call: call(), calls):
            assert_unavailable(answer)
    assert [job["job_id"] for job in client.list() if job["table"] == table] == before
    again = client.create(table=table, destinations=[kafka("recorded")])
    client.completed(again)
    assert [job["job_id"] for job in client.list() if job["table"] == table] == [*before, again]
