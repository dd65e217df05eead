"""Pushes: what is done with is acknowledged, what may succeed later comes again, and all is logged."""

import base64
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from shared.adapters.pubsub import Pushed, read_push
from shared.bootstrap.push import AGAIN, DONE, answer_push
from shared.errors import (
    BackfillError,
    Busy,
    DestinationRefused,
    LeftToOthers,
    MalformedMessage,
    StaleMessage,
    Unavailable,
)
from shared.messages import StageJob, to_data

MESSAGE = StageJob("acme", "job", 0)


def push(attributes: Mapping[str, str] | None = None, **envelope: Any) -> bytes:
    """The body of a push as Pub/Sub sends it."""
    message: dict[str, Any] = {
        "data": base64.b64encode(to_data(MESSAGE)).decode(),
        "messageId": "7",
        "message_id": "7",
        "publishTime": "2026-05-01T00:00:00Z",
    }
    if attributes is not None:
        message["attributes"] = attributes
    return json.dumps({"message": message, "subscription": "projects/p/subscriptions/s", **envelope}).encode()


def raising(error: BaseException) -> Callable[[Pushed], None]:
    def run(_pushed: Pushed) -> None:
        raise error

    return run


def test_a_push_is_read_as_the_message_that_was_published() -> None:
    assert read_push(push()) == Pushed(MESSAGE, "7", 1)


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
    assert handled == [Pushed(MESSAGE, "7", 1)]


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
        (Unavailable("Snowflake", detail="timeout"), logging.WARNING),
        (DestinationRefused("it answered 410", detail="timeout"), logging.ERROR),
        (StaleMessage("the job has ended", detail="timeout"), logging.INFO),
    ],
    ids=repr,
)
def test_what_became_of_a_message_is_logged_with_the_job_it_is_of(
    error: BackfillError, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "backfills"):
        answer_push(push(), raising(error))
    [record] = caplog.records
    assert (record.levelno, record.getMessage()) == (level, error.message)
    fields = vars(record)["fields"]
    assert fields["organization_id"] == "acme"
    assert fields["job_id"] == "job"
    assert fields["error"] == type(error).__name__
    assert fields["detail"] == "timeout"


def test_a_fault_of_our_own_is_logged_with_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    answer_push(push(), raising(ZeroDivisionError()))
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
