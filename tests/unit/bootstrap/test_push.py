"""Pushes: finished messages are acknowledged, retryable ones are redelivered, and all are logged."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from shared.adapters.pubsub import Pushed, read_push
from shared.adapters.traces import PassingTracer
from shared.bootstrap.callers import Anybody
from shared.bootstrap.push import AGAIN, DONE, Answer, Push
from shared.domain.errors import (
    BackfillError,
    Busy,
    DestinationRefused,
    LeftToOthers,
    MalformedMessage,
    StaleMessage,
    Unavailable,
)
from shared.domain.messages import StageJob, to_data
from shared.domain.traces import Trace
from tests.unit.conftest import Logged

MESSAGE = StageJob("acme", "job", 0)


def push(attributes: Mapping[str, str] | None = None, **envelope: Any) -> bytes:
    """Return the body of a push in Pub/Sub's form."""
    message: dict[str, Any] = {
        "data": base64.b64encode(to_data(MESSAGE)).decode(),
        "messageId": "7",
        "message_id": "7",
        "publishTime": "2026-05-01T00:00:00Z",
    }
    if attributes is not None:
        message["attributes"] = attributes
    return json.dumps({"message": message, "subscription": "projects/p/subscriptions/s", **envelope}).encode()


def answer_push(body: bytes, run: Callable[[Pushed], None]) -> Answer:
    """Return the function's answer to a push with this result."""
    request = Request(EnvironBuilder(method="POST", data=body).get_environ())
    return Push("stage", Anybody(), PassingTracer(), run).answer(request)


def raising(error: BaseException) -> Callable[[Pushed], None]:
    def run(_pushed: Pushed) -> None:
        raise error

    return run


def test_a_push_is_read_as_the_message_that_was_published() -> None:
    assert read_push(push()) == Pushed(MESSAGE, "7", 1, None)


def test_how_often_a_message_was_tried_is_read_from_wherever_pubsub_says_it() -> None:
    assert read_push(push(deliveryAttempt=3)).tried == 3
    assert read_push(push({"CloudPubSubDeadLetterSourceDeliveryCount": "5"}, deliveryAttempt=1)).tried == 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"message": null}',
        b'{"message": {}}',
        b'{"message": {"data": "%%%"}}',
        b'{"message": {"data": 3}}',
        b'{"message": {"data": "e30=", "attributes": []}}',
        b'{"message": {"data": "e30="}, "deliveryAttempt": "often"}',
    ],
)
def test_what_is_no_push_of_ours_is_acknowledged_and_never_comes_again(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_push(body)
    assert answer_push(body, raising(AssertionError())) == DONE


def test_a_handled_message_is_acknowledged() -> None:
    handled: list[Pushed] = []
    assert answer_push(push(), handled.append) == ("", 204)
    assert handled == [Pushed(MESSAGE, "7", 1, None)]


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (Unavailable("Snowflake"), AGAIN),
        (Busy("somebody else is at it"), AGAIN),
        (DestinationRefused("it answered 410"), DONE),
        (StaleMessage("the job has ended"), DONE),
        (LeftToOthers("somebody else is at it"), DONE),
        (ZeroDivisionError(), AGAIN),
    ],
    ids=repr,
)
def test_what_may_succeed_later_comes_again_and_nothing_else(error: Exception, answer: object) -> None:
    assert answer_push(push(), raising(error)) == answer


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (Unavailable("Snowflake", detail="timeout"), "WARNING"),
        (DestinationRefused("it answered 410", detail="timeout"), "ERROR"),
        (StaleMessage("the job has ended", detail="timeout"), "INFO"),
    ],
    ids=repr,
)
def test_what_became_of_a_message_is_logged_with_the_job_it_is_of(
    error: BackfillError, level: str, logged: Logged
) -> None:
    answer_push(push(), raising(error))
    entry, *_ = logged()
    assert (entry["severity"], entry["message"]) == (level, error.message)
    assert (entry["organization_id"], entry["job_id"], entry["retry"]) == ("acme", "job", 0)
    assert (entry["error"], entry["detail"]) == (type(error).__name__, "timeout")


def test_a_fault_of_our_own_is_logged_with_its_trace(logged: Logged) -> None:
    answer_push(push(), raising(ZeroDivisionError()))
    entry, *_ = logged()
    assert entry["severity"] == "ERROR"
    assert "ZeroDivisionError" in entry["stack_trace"]


@pytest.mark.parametrize("error", [Unavailable("Snowflake"), ZeroDivisionError()], ids=repr)
def test_what_comes_again_is_counted(error: Exception, logged: Logged) -> None:
    answer_push(push(deliveryAttempt=3), raising(error))
    [retried] = [entry for entry in logged() if entry.get("event") == "message_retried"]
    assert (retried["function"], retried["kind"], retried["tried"]) == ("stage", "stage", 3)
    assert retried["job_id"] == "job"


def test_what_is_done_with_is_not(logged: Logged) -> None:
    answer_push(push(), raising(StaleMessage("the job has ended")))
    answer_push(push(), lambda _: None)
    assert [entry["event"] for entry in logged() if "event" in entry] == []


def test_a_message_is_handled_in_the_trace_that_it_carries(logged: Logged) -> None:
    trace = Trace("a" * 32, "b" * 16, sampled=True)
    answer_push(push({"traceparent": str(trace)}), lambda _: None)
    answer_push(push({"traceparent": "nonsense"}), lambda _: None)
    first, second = (entry["logging.googleapis.com/trace"].rpartition("/")[2] for entry in logged())
    assert first == trace.trace_id
    assert second != first
