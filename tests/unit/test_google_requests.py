"""The pure parts of the kinds at Google: requests of a batch, names of objects, files of lines."""

from dataclasses import replace

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.config import read
from shared.destinations.gcs.lines import Lines
from shared.destinations.gcs.objects import is_ours, object_name, stamp
from shared.destinations.google_refusals import shown
from shared.destinations.pubsub.requests import MOST_BYTES, MOST_MESSAGES, prepare
from shared.destinations.pubsub.topics import own_topics
from shared.errors import DeliveryStopped
from tests.fakes.destinations import gcs, pubsub
from tests.fakes.sending import NumberedBatch, NumberedRows, SteadyPulse, delivery_to

TOPIC = "projects/some-project/topics/some-topic"


def test_no_request_has_more_messages_or_bytes_than_pubsub_takes() -> None:
    for rows, width in ((2_500, 10), (30, 1_000_000), (5, 4_999_000)):
        batch = NumberedBatch(0, rows, width, keyed=True)
        prepared = prepare(delivery_to(pubsub("x", "uid", TOPIC), rows), 0, batch)
        (requests,) = prepared.lanes
        assert sum(len(request.messages) for request in requests) == rows
        assert all(len(request.messages) <= MOST_MESSAGES for request in requests)
        assert all(type(request).pb(request).ByteSize() <= MOST_BYTES for request in requests)


def test_a_request_has_messages_of_one_ordering_key_only() -> None:
    delivery = delivery_to(pubsub("x", "uid", TOPIC, "token"), 5)
    prepared = prepare(delivery, 0, NumberedBatch(0, 5, 10, keyed=True))
    keys = [{message.ordering_key for lane in lanes for message in lane.messages} for lanes in prepared.lanes]
    assert keys == [{f"key-{number}"} for number in range(5)]


def test_the_ordering_key_column_is_the_key_column() -> None:
    assert pubsub("x", "uid", TOPIC, "token").traits.key_column == "token"
    assert pubsub("x", "uid", TOPIC).traits.key_column is None


def test_own_topics_are_those_of_the_settings_and_all_of_that_name() -> None:
    is_own = own_topics(read({"GOOGLE_CLOUD_PROJECT": "ours", "CHUNKS_TOPIC": "pieces"}))
    assert is_own("projects/ours/topics/pieces")
    assert is_own("projects/ours/topics/backfills-dead-letter")
    assert not is_own("projects/theirs/topics/backfills-stage")
    assert not is_own("projects/ours/topics/exports")


def test_an_object_is_ours_by_all_of_its_stamp_and_a_copy_by_its_size() -> None:
    parquet = replace(delivery_to(gcs("x", "uid", "some-bucket"), 5), file_size=7)
    assert object_name(parquet) == f"{parquet.job_id}/00000003.parquet"
    assert is_ours(parquet, {**stamp(parquet), "more": "x"}, 7)
    assert not is_ours(parquet, stamp(parquet), 8)
    assert not is_ours(parquet, stamp(replace(parquet, attempt_id="another")), 7)
    assert not is_ours(parquet, None, 7)
    lines = delivery_to(gcs("x", "uid", "some-bucket", "p-", "ndjson"), 5)
    assert object_name(lines) == f"p-{lines.job_id}/00000003.ndjson"
    assert is_ours(lines, stamp(lines), 123)


@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
def test_lines_are_read_in_parts_of_exactly_that_size(size: int) -> None:
    file = Lines(NumberedRows(25).batches(10), SteadyPulse().check)
    parts = []
    while part := file.read(size):
        parts.append(part)
        assert file.tell() == sum(map(len, parts))
    assert all(len(part) == size for part in parts[:-1])
    assert b"".join(parts) == b"".join(line + b"\n" for line in NumberedBatch(0, 25, 10, keyed=True).lines())


def test_no_detail_holds_the_session_of_an_upload() -> None:
    told = "PUT https://host/upload/b/x/o?uploadType=resumable&upload_id=s3cret: b\nsy"
    error = ServiceUnavailable(told)  # type: ignore[no-untyped-call]  # untyped there
    assert shown(error) == "ServiceUnavailable: 503 PUT https://host/upload/b/x/o?: b?sy"


def test_reading_ends_when_the_pulse_stops_it() -> None:
    pulse = SteadyPulse()
    file = Lines(NumberedRows(25).batches(10), pulse.check)
    assert file.read(10)
    pulse.reason = DeliveryStopped("the job was cancelled")
    with pytest.raises(DeliveryStopped):
        file.read(10)
