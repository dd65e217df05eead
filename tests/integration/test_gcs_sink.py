"""The sink of buckets against a real GCS server, and against one that refuses."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from infra.local import names
from infra.local.ports import LOOPBACK
from shared.destinations.gcs.objects import object_name, stamp
from shared.errors import AskedToWait, DeliveryStopped, DestinationRefused, StagedFileUnusable, Unavailable
from tests.fakes.gcs_sinks import Bucket, exports
from tests.fakes.refusing import refusing_http
from tests.fakes.sending import NumberedRows, SteadyPulse
from tests.fakes.strict_gcs import strict_gcs

pytestmark = pytest.mark.emulator

WIDE = 100_000  # bytes of a row, of which a part of an upload holds some eighty


@pytest.fixture
def bucket(gcs_url: str) -> Iterator[Bucket]:
    with exports(gcs_url) as found:
        yield found


def unread(first_row: int) -> None:
    raise AssertionError(f"rows were read from {first_row} on")


def test_a_parquet_file_is_copied_without_reading_its_rows(bucket: Bucket) -> None:
    delivery = bucket.delivery(95)
    assert bucket.sink.deliver(delivery, NumberedRows(95, before=unread), SteadyPulse())
    assert bucket.rows(delivery) == list(range(95))
    found = bucket.found(delivery)
    assert found is not None
    assert found.name == f"some/where/{delivery.job_id}/00000003.parquet"
    assert found.metadata == {
        "beam-job-id": delivery.job_id,
        "beam-attempt-id": "attempt1",
        "beam-chunk": "3",
        "beam-rows": "95",
    }


@pytest.mark.parametrize("form", ["parquet", "ndjson"])
def test_what_is_there_is_found_and_not_written_again(bucket: Bucket, form: str) -> None:
    delivery = bucket.delivery(30, form)
    assert bucket.sink.deliver(delivery, NumberedRows(30), SteadyPulse())
    first = bucket.found(delivery)
    assert bucket.sink.deliver(delivery, NumberedRows(30, before=unread), SteadyPulse())
    second = bucket.found(delivery)
    assert first is not None
    assert second is not None
    assert second.generation == first.generation


@pytest.mark.parametrize("form", ["parquet", "ndjson"])
@pytest.mark.parametrize("metadata", [None, {"beam-job-id": "another"}])
def test_another_object_of_that_name_fails_the_job(
    bucket: Bucket, form: str, metadata: dict[str, str] | None
) -> None:
    delivery = bucket.delivery(30, form)
    other = bucket.client.bucket(names.EXPORTS_BUCKET).blob(object_name(delivery))
    other.metadata = metadata
    other.upload_from_string(b"theirs")
    with pytest.raises(DestinationRefused, match=rf"{object_name(delivery)}, which is not replaced"):
        bucket.sink.deliver(delivery, NumberedRows(30), SteadyPulse())
    assert other.download_as_bytes() == b"theirs"


def test_a_copy_of_another_size_is_not_ours(bucket: Bucket) -> None:
    delivery = bucket.delivery(30)
    cut = bucket.client.bucket(names.EXPORTS_BUCKET).blob(object_name(delivery))
    cut.metadata = stamp(delivery)
    cut.upload_from_string(b"cut off")
    with pytest.raises(DestinationRefused, match="not replaced"):
        bucket.sink.deliver(delivery, NumberedRows(30), SteadyPulse())


@pytest.mark.parametrize("form", ["parquet", "ndjson"])
def test_of_two_at_once_one_writes_and_both_count(gcs_url: str, bucket: Bucket, form: str) -> None:
    """Both have looked before either writes: the precondition decides, and the slower one looks again."""
    delivery = bucket.delivery(30, form)
    assert bucket.sink.deliver(delivery, NumberedRows(30), SteadyPulse())
    first = bucket.found(delivery)
    with strict_gcs(gcs_url, hidden=1) as server, exports(gcs_url, server=server) as late:
        assert late.sink.deliver(delivery, NumberedRows(30), SteadyPulse())
    second = bucket.found(delivery)
    assert first is not None
    assert second is not None
    assert second.generation == first.generation


@pytest.mark.parametrize("form", ["parquet", "ndjson"])
def test_an_object_that_came_meanwhile_is_not_replaced(gcs_url: str, bucket: Bucket, form: str) -> None:
    delivery = bucket.delivery(30, form)
    other = bucket.client.bucket(names.EXPORTS_BUCKET).blob(object_name(delivery))
    other.upload_from_string(b"theirs")
    with (
        strict_gcs(gcs_url, hidden=1) as server,
        exports(gcs_url, server=server) as late,
        pytest.raises(DestinationRefused, match="not replaced"),
    ):
        late.sink.deliver(delivery, NumberedRows(30), SteadyPulse())
    assert other.download_as_bytes() == b"theirs"


def test_an_upload_of_several_parts_arrives_whole(bucket: Bucket) -> None:
    delivery = bucket.delivery(300, "ndjson")
    assert bucket.sink.deliver(delivery, NumberedRows(300, WIDE), SteadyPulse())
    assert bucket.rows(delivery) == list(range(300))


def test_an_upload_that_is_cancelled_between_parts_leaves_nothing(bucket: Bucket) -> None:
    delivery, pulse = bucket.delivery(300, "ndjson"), SteadyPulse()

    def stop(first_row: int) -> None:
        if first_row == 200:
            pulse.reason = DeliveryStopped("the job was cancelled")

    with pytest.raises(DeliveryStopped):
        bucket.sink.deliver(delivery, NumberedRows(300, WIDE, before=stop), pulse)
    assert bucket.found(delivery) is None
    assert bucket.sink.deliver(delivery, NumberedRows(300, WIDE), SteadyPulse())
    assert bucket.rows(delivery) == list(range(300))


@pytest.mark.parametrize("form", ["parquet", "ndjson"])
def test_a_bucket_that_is_not_there_fails_the_job(bucket: Bucket, form: str) -> None:
    delivery = bucket.delivery(5, form, bucket="nobodys-bucket")
    with pytest.raises(DestinationRefused, match="There is no bucket nobodys-bucket"):
        bucket.sink.deliver(delivery, NumberedRows(5), SteadyPulse())


def test_the_staging_bucket_is_no_destination(bucket: Bucket) -> None:
    delivery = bucket.delivery(5, bucket=names.BUCKET)
    with pytest.raises(DestinationRefused, match="the service's own"):
        bucket.sink.deliver(delivery, NumberedRows(5), SteadyPulse())


def test_a_staged_file_that_went_away_is_told_from_a_missing_bucket(bucket: Bucket) -> None:
    delivery = replace(bucket.delivery(5), file="gone.parquet")
    with pytest.raises(StagedFileUnusable):
        bucket.sink.deliver(delivery, NumberedRows(5), SteadyPulse())


@pytest.mark.parametrize(
    ("status", "reason", "kind", "told"),
    [
        (403, "forbidden", DestinationRefused, "roles/storage.objectCreator"),
        (403, "userRateLimitExceeded", Unavailable, "the bucket exports is not available"),
        (400, "invalid", DestinationRefused, "refuses the object"),
        (409, "conflict", DestinationRefused, "holds"),
        (401, "authError", Unavailable, "the bucket exports is not available"),
        (429, "rateLimitExceeded", Unavailable, "the bucket exports is not available"),
        (503, "backendError", Unavailable, "the bucket exports is not available"),
    ],
)
def test_refusals_and_what_may_pass(
    gcs_url: str, status: int, reason: str, kind: type[Any], told: str
) -> None:
    with refusing_http(status, reason) as server, exports(gcs_url, server=server) as bucket:
        with pytest.raises(kind, match=told) as caught:
            bucket.sink.deliver(bucket.delivery(5), NumberedRows(5), SteadyPulse())
        assert "secret" not in caught.value.message
        assert len(caught.value.detail) <= 200
        assert caught.value.detail.isprintable()


def test_a_wish_to_be_left_alone_is_told(gcs_url: str) -> None:
    server = refusing_http(429, headers={"Retry-After": "70"})
    with server as url, exports(gcs_url, server=url) as bucket:
        with pytest.raises(AskedToWait) as caught:
            bucket.sink.deliver(bucket.delivery(5), NumberedRows(5), SteadyPulse())
        assert caught.value.seconds == 70


def test_a_cancel_does_not_wait_for_an_answer(gcs_url: str) -> None:
    checks: list[float] = []

    def stop() -> None:
        checks.append(time.monotonic())
        if len(checks) > 2:
            raise DeliveryStopped("the job was cancelled")

    with socket.create_server((LOOPBACK, 0)) as silent:
        url = f"http://{LOOPBACK}:{silent.getsockname()[1]}"
        with exports(gcs_url, server=url) as bucket:
            delivery = bucket.delivery(5)
            began = time.monotonic()
            with pytest.raises(DeliveryStopped):
                bucket.sink.deliver(delivery, NumberedRows(5), SteadyPulse(on_check=stop))
            assert time.monotonic() - began < 5


def test_too_little_time_is_left_to_a_message_of_its_own(bucket: Bucket) -> None:
    bucket.sink._least = 240.0
    delivery = bucket.delivery(5)
    assert not bucket.sink.deliver(delivery, NumberedRows(5, before=unread), SteadyPulse(seconds=239))
    assert bucket.found(delivery) is None
