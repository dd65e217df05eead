"""Messages: decoding returns what was encoded, and accepts nothing else."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import MalformedMessage
from shared.domain.messages import DeliverChunk, Message, StageJob, TearDownJob, from_data, to_data

GOOD: dict[str, Any] = {
    "kind": "deliver",
    "organization_id": "acme",
    "job_id": "job",
    "attempt_id": "attempt",
    "retry": 0,
    "chunk": 3,
}


@pytest.mark.parametrize(
    "message",
    [
        StageJob("acme", "job", 2),
        StageJob("acme", "job", 2, resumes=1),
        TearDownJob("acme", "job"),
        DeliverChunk("acme", "job", "attempt", 1, 7),
        DeliverChunk("acme", "job", "attempt", 1, 7, opening=2, left=0),
        DeliverChunk("acme", "job", "attempt", 1, 7, opening=2, again=True),
    ],
    ids=lambda message: message.kind,
)
def test_a_message_comes_back_as_it_was_sent(message: Message) -> None:
    assert from_data(to_data(message)) == message


def test_a_release_that_knows_nothing_of_chunks_left_behind_reads_ordinary_messages() -> None:
    message = DeliverChunk("acme", "job", "attempt", 1, 7, opening=2)
    assert json.loads(to_data(message)).keys() == {*GOOD, "opening"}


def test_a_release_that_knows_nothing_of_resumes_reads_messages_of_jobs_never_resumed() -> None:
    written = to_data(StageJob("acme", "job", 2))
    assert json.loads(written).keys() == {"kind", "organization_id", "job_id", "retry"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not JSON",
        b"\xff",
        b"[]",
        b"3",
        b"{}",
        b'{"kind": null}',
        b'{"kind": ["stage"]}',
        b"[" * 100_000,
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_no_message_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        from_data(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"chunk": None},
        {"chunk": "3"},
        {"chunk": 3.0},
        {"retry": True},
        {"job_id": 7},
        {"job_id": ""},
        {"job_id": "../../other"},
        {"job_id": "job\n"},
        {"job_id": "\ud800"},
        {"job_id": "__reserved__"},
        {"attempt_id": "x" * 65},
        {"more": 1},
        {"kind": "stage"},
    ],
    ids=str,
)
def test_a_message_with_other_fields_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        from_data(json.dumps(GOOD | changes).encode())


@pytest.mark.parametrize("name", GOOD)
def test_a_message_that_lacks_a_field_is_malformed(name: str) -> None:
    with pytest.raises(MalformedMessage):
        from_data(json.dumps({key: value for key, value in GOOD.items() if key != name}).encode())


@given(
    st.binary()
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda x: json.dumps(x).encode())
)
def test_whatever_comes_is_read_or_malformed(data: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        from_data(data)
