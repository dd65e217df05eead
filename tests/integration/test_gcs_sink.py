"""Chunks as objects on the GCS server: each exactly once, after any interrupted attempt."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.storage import Blob
from google.cloud.storage.retry import DEFAULT_RETRY

from shared.adapters import gcs
from shared.destinations.gcs.errors import speaking_of
from shared.destinations.gcs.sink import GcsSink
from shared.destinations.gcs.stream import Stream
from shared.domain.columns import Column, JsonKind
from shared.domain.errors import (
    BackfillError,
    DeliveryStopped,
    DestinationRefused,
    StagedFileUnusable,
    Unavailable,
)
from shared.encoding import ParquetRows
from shared.steps.sending import ChunkDelivery
from tests.fakes.gcs_sinks import Buckets, gcs_client
from tests.fakes.sending import NumberedRows, SteadyPulse
from tests.fakes.strict_gcs import Fault, strict_gcs

pytestmark = pytest.mark.emulator

STAGED = "acme/job/try/data.parquet"
COLUMNS: dict[str, list[Any]] = {"row": list(range(25)), "text": ["x"] * 25, "key:id": ["k"] * 25}


@pytest.fixture
def faults() -> list[Fault]:
    """The faults of the server, to which a test adds."""
    return []


@pytest.fixture
def buckets(gcs_url: str, faults: list[Fault], monkeypatch: pytest.MonkeyPatch) -> Iterator[Buckets]:
    with strict_gcs(gcs_url, faults) as url:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        buckets = Buckets(gcs_client())
        buckets.stage(STAGED, COLUMNS)
        yield buckets


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients repeat requests for a moment instead of minutes."""
    monkeypatch.setattr(DEFAULT_RETRY, "_timeout", 0.01)
    monkeypatch.setattr(gcs, "_RETRY", gcs._RETRY.with_timeout(0.01))


def from_http_status(status: int, text: str) -> Exception:
    error: Exception = exceptions.from_http_status(status, text)  # type: ignore[no-untyped-call]  # untyped there
    return error


def deliver(buckets: Buckets, delivery: ChunkDelivery, pulse: SteadyPulse | None = None) -> bool:
    return buckets.sink().deliver(delivery, NumberedRows(delivery.rows), pulse or SteadyPulse())


def parquet(buckets: Buckets, *fields: str) -> ChunkDelivery:
    return replace(
        buckets.delivery(25),
        file=STAGED,
        columns=[Column(name, JsonKind.TEXT) for name in fields or COLUMNS],
        file_is_rows=not fields,
        file_bytes=buckets.staging.get_blob(STAGED).size,
    )


@pytest.mark.parametrize("prefix", ["exports/base/", "exports/base"])
def test_lines_are_an_object_named_by_job_and_chunk(buckets: Buckets, prefix: str) -> None:
    delivery = buckets.delivery(25, format="ndjson", prefix=prefix)
    assert deliver(buckets, delivery)
    assert buckets.names() == [f"{prefix}{delivery.job_id}/00000003.ndjson"]
    (blob,) = buckets.client.list_blobs(buckets.exports)
    assert blob.content_type == "application/x-ndjson"
    assert blob.metadata == {
        "beam-job-id": delivery.job_id,
        "beam-chunk": "3",
        "beam-attempt-id": "attempt1",
        "beam-rows": "25",
    }
    assert buckets.rows() == list(range(25))


def test_a_staged_file_of_the_rows_fields_is_copied_as_it_is(buckets: Buckets) -> None:
    delivery = parquet(buckets)
    assert deliver(buckets, delivery)
    assert buckets.names() == [f"{delivery.job_id}/00000003.parquet"]
    (blob,) = buckets.client.list_blobs(buckets.exports)
    assert blob.download_as_bytes() == buckets.staging.blob(STAGED).download_as_bytes()
    assert blob.metadata["beam-chunk"] == "3"
    assert blob.content_type == "application/vnd.apache.parquet"


def test_of_a_staged_file_with_more_only_the_fields_are_written(buckets: Buckets) -> None:
    assert deliver(buckets, parquet(buckets, "row", "text"))
    table = buckets.table()
    assert table.column_names == ["row", "text"]
    assert table.column("row").to_pylist() == list(range(25))


@pytest.mark.parametrize("change", [{"file": "acme/job/try/gone.parquet"}, {"file_bytes": 7}], ids=str)
def test_a_staged_file_that_is_not_the_manifests_fails_the_job_and_writes_nothing(
    buckets: Buckets, change: dict[str, Any]
) -> None:
    with pytest.raises(StagedFileUnusable, match="A staged file"):
        deliver(buckets, replace(parquet(buckets, "row"), **change))
    assert buckets.names() == []


@pytest.mark.parametrize("place", [60, -1], ids=["page", "footer"])
def test_a_damaged_staged_file_fails_the_job_and_writes_nothing(buckets: Buckets, place: int) -> None:
    staged = buckets.staging.blob(STAGED)
    content = bytearray(staged.download_as_bytes())
    content[place] ^= 0xFF
    staged.upload_from_string(bytes(content))
    with pytest.raises(StagedFileUnusable, match="A staged file is damaged") as told:
        deliver(buckets, parquet(buckets, "row"))
    assert STAGED in told.value.detail
    assert buckets.names() == []


def test_a_staged_file_that_goes_before_it_is_copied_is_named(buckets: Buckets) -> None:
    with pytest.raises(StagedFileUnusable, match="A staged file is gone"):
        deliver(buckets, replace(parquet(buckets), file="acme/job/try/gone.parquet"))
    assert buckets.names() == []


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, (Unavailable, "the staging bucket")),
        (403, (Unavailable, "the staging bucket")),
        (404, (StagedFileUnusable, "A staged file is gone")),
        (503, (Unavailable, "the staging bucket")),
    ],
)
@pytest.mark.parametrize("how", ["ndjson", "selected"])
def test_a_staged_file_that_cannot_be_read_to_its_end_is_no_fault_of_the_bucket(
    buckets: Buckets, faults: list[Fault], how: str, status: int, expected: tuple[type[BackfillError], str]
) -> None:
    delivery, sink, (kind, words) = written(buckets, how), buckets.sink(), expected
    kinds = {"row": JsonKind.INTEGER, "text": JsonKind.TEXT, "key:id": JsonKind.TEXT}
    with sink.staged.open(STAGED, buckets.staging.get_blob(STAGED).size) as file:
        rows = ParquetRows(file.content, [Column(*one) for one in kinds.items()], None, "data.parquet")
        faults.append(Fault("GET", "/download/", status))
        with pytest.raises(kind, match=words):
            sink.deliver(delivery, rows, SteadyPulse())
    assert buckets.names() == []


@pytest.mark.parametrize("status", [403, 404])
def test_a_copy_that_is_refused_is_no_fault_of_the_bucket_if_the_staged_file_is_refused(
    buckets: Buckets, faults: list[Fault], status: int
) -> None:
    delivery = parquet(buckets)
    faults += [Fault("POST", "/rewriteTo/", status), Fault("GET", f"/b/{buckets.staging.name}/o/", 403)]
    with pytest.raises(Unavailable, match="the staging bucket"):
        deliver(buckets, delivery)
    faults.pop()
    with pytest.raises(DestinationRefused, match=f"bucket {buckets.exports.name}"):
        deliver(buckets, delivery)


@pytest.mark.parametrize("fields", [(), ("row",)])
def test_what_is_there_is_found(buckets: Buckets, fields: tuple[str, ...]) -> None:
    delivery = parquet(buckets, *fields)
    assert deliver(buckets, delivery)
    (before,) = buckets.client.list_blobs(buckets.exports)
    assert deliver(buckets, delivery)
    (after,) = buckets.client.list_blobs(buckets.exports)
    assert after.generation == before.generation


def written(buckets: Buckets, how: str) -> ChunkDelivery:
    """A delivery whose object is uploaded as lines, copied, or uploaded with some columns."""
    if how == "ndjson":
        return buckets.delivery(25, format="ndjson")
    return parquet(buckets, *(["row"] if how == "selected" else []))


@pytest.mark.parametrize("how", ["ndjson", "copied", "selected"])
def test_what_somebody_else_wrote_meanwhile_is_found(
    buckets: Buckets, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    delivery = written(buckets, how)
    assert deliver(buckets, delivery)
    (before,) = buckets.client.list_blobs(buckets.exports)
    looks: list[bool] = []
    is_there = GcsSink._is_there

    def late(self: GcsSink, blob: object, of: ChunkDelivery) -> bool:
        looks.append(True)
        return len(looks) > 1 and is_there(self, blob, of)

    monkeypatch.setattr(GcsSink, "_is_there", late)
    assert deliver(buckets, delivery)
    assert len(looks) == 2
    (after,) = buckets.client.list_blobs(buckets.exports)
    assert after.generation == before.generation


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("orgPolicyConstraintFailed", (DestinationRefused, "A rule of bucket exports-.* forbids the object")),
        ("conditionNotMet", (Unavailable, "bucket exports-.* is not available")),
    ],
)
@pytest.mark.parametrize("how", ["ndjson", "copied", "selected"])
def test_a_failed_condition_without_an_object_is_no_delivery(
    buckets: Buckets, faults: list[Fault], how: str, reason: str, expected: tuple[type[BackfillError], str]
) -> None:
    delivery, (kind, words) = written(buckets, how), expected
    faults.append(Fault("POST", "/rewriteTo/" if how == "copied" else "/upload/", 412, reason))
    with pytest.raises(kind, match=words) as told:
        deliver(buckets, delivery)
    assert "words of the server" in told.value.detail
    assert buckets.names() == []


def test_a_condition_that_fails_as_the_upload_ends_is_no_delivery(
    buckets: Buckets, faults: list[Fault]
) -> None:
    faults.append(Fault("PUT", "/upload/", 412, "conditionNotMet"))
    with pytest.raises(Unavailable, match="bucket exports-"):
        deliver(buckets, buckets.delivery(25, format="ndjson"))
    assert buckets.names() == []


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("how", ["ndjson", "selected"])
def test_an_upload_that_the_bucket_has_lost_begins_anew(
    buckets: Buckets, faults: list[Fault], how: str, status: int
) -> None:
    delivery = written(buckets, how)
    faults.append(Fault("PUT", "/upload/", status))
    with pytest.raises(Unavailable, match="bucket exports-") as told:
        deliver(buckets, delivery)
    assert str(status) in told.value.detail
    assert "upload_id" not in told.value.detail
    faults.clear()
    assert deliver(buckets, delivery)
    assert len(buckets.names()) == 1


@pytest.mark.parametrize("how", ["ndjson", "selected"])
def test_an_upload_of_which_the_bucket_keeps_too_little_begins_anew(
    buckets: Buckets, faults: list[Fault], how: str
) -> None:
    delivery = written(buckets, how)
    faults.append(Fault("PUT", "/upload/", 308, kept="bytes=0-9"))
    with pytest.raises(Unavailable, match="bucket exports-") as told:
        deliver(buckets, delivery)
    assert "ream" in told.value.detail  # the client's words
    assert buckets.names() == []
    faults.clear()
    assert deliver(buckets, delivery)
    assert len(buckets.names()) == 1


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_upload_that_the_bucket_refuses_fails_the_job(
    buckets: Buckets, faults: list[Fault], method: str, status: int
) -> None:
    faults.append(Fault(method, "/upload/", status))
    with pytest.raises(DestinationRefused, match="ucket exports-") as told:
        deliver(buckets, buckets.delivery(25, format="ndjson"))
    assert "words of the server" in told.value.detail
    assert "words of the server" not in told.value.message


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("status", [408, 429, 503])
@pytest.mark.parametrize(
    ("requests", "how"),
    [
        (("GET", "/b/exports-"), "ndjson"),
        (("POST", "/upload/"), "ndjson"),
        (("PUT", "/upload/"), "selected"),
        (("POST", "/rewriteTo/"), "copied"),
    ],
)
def test_a_bucket_that_stays_out_of_service_is_named(
    buckets: Buckets, faults: list[Fault], requests: tuple[str, str], how: str, status: int
) -> None:
    delivery, sink = written(buckets, how), buckets.sink()
    faults.append(Fault(*requests, status))
    # As a delivery does, which reads the rows from there.
    with (
        pytest.raises(Unavailable, match=f"bucket {buckets.exports.name}") as told,
        sink.staged.open(STAGED, buckets.staging.get_blob(STAGED).size),
    ):
        sink.deliver(delivery, NumberedRows(25), SteadyPulse())
    assert str(status) in told.value.detail


def test_another_object_of_the_name_fails_the_job(buckets: Buckets) -> None:
    delivery = buckets.delivery(25, format="ndjson")
    buckets.exports.blob(f"{delivery.job_id}/00000003.ndjson").upload_from_string(b"mine")
    with pytest.raises(DestinationRefused, match="does not belong to this job: remove it"):
        deliver(buckets, delivery)


@pytest.mark.parametrize("format_", ["ndjson", "parquet"])
def test_a_bucket_that_is_not_there_fails_the_job_by_its_name(buckets: Buckets, format_: str) -> None:
    delivery = replace(parquet(buckets), destination=buckets.delivery(25, format=format_).destination)
    buckets.client.get_bucket(buckets.exports.name).delete()
    with pytest.raises(DestinationRefused, match=f"There is no bucket {buckets.exports.name}"):
        deliver(buckets, delivery)


def test_the_staging_bucket_is_refused(buckets: Buckets) -> None:
    sink = replace(buckets.sink(), staging_bucket=buckets.exports.name)
    with pytest.raises(DestinationRefused, match="the service's own"):
        sink.deliver(buckets.delivery(5), NumberedRows(5), SteadyPulse())


def test_a_stopped_chunk_leaves_nothing_and_arrives_when_it_is_sent_again(buckets: Buckets) -> None:
    pulse = SteadyPulse()

    def stop(first: int) -> None:
        if first >= 20_000:
            pulse.reason = DeliveryStopped("the job was cancelled")

    delivery = buckets.delivery(30_000, format="ndjson")
    with pytest.raises(DeliveryStopped):
        buckets.sink().deliver(delivery, NumberedRows(30_000, width=600, before=stop), pulse)
    assert buckets.names() == []
    assert buckets.sink().deliver(delivery, NumberedRows(30_000, width=600), SteadyPulse())
    assert buckets.rows() == list(range(30_000))


def test_a_stop_after_the_last_batch_leaves_nothing(buckets: Buckets) -> None:
    pulse, checks = SteadyPulse(), list[bool]()

    def stop() -> None:
        checks.append(True)
        if len(checks) == 1 + 3 + 1:  # at the beginning, for three batches, before the last bytes
            pulse.reason = DeliveryStopped("the job was cancelled")

    pulse.on_check = stop
    with pytest.raises(DeliveryStopped):
        deliver(buckets, buckets.delivery(30, format="ndjson"), pulse)
    assert len(checks) == 5
    assert buckets.names() == []


def test_the_next_part_is_made_while_one_is_uploaded(
    buckets: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, made = Blob.upload_from_file, threading.Event()

    class Slow:
        """Hands out the first 8 MiB once rows are made that come after them."""

        def __init__(self, stream: Stream) -> None:
            self.stream, self.tell = stream, stream.tell

        def read(self, size: int) -> bytes:
            part = self.stream.read(size)
            assert made.wait(60), "no row was made"
            return part

    def slowly(blob: Blob, stream: Stream, **arguments: Any) -> None:
        upload(blob, Slow(stream), **arguments)

    def note(first: int) -> None:
        if first >= 20_000:
            made.set()

    monkeypatch.setattr(Blob, "upload_from_file", slowly)
    delivery = buckets.delivery(30_000, format="ndjson")
    rows = NumberedRows(30_000, width=600, before=note)
    assert buckets.sink().deliver(delivery, rows, SteadyPulse())
    assert buckets.rows() == list(range(30_000))


def test_with_too_little_time_nothing_is_begun(buckets: Buckets) -> None:
    sink = buckets.sink(least=100.0)
    assert not sink.deliver(buckets.delivery(5), NumberedRows(5), SteadyPulse(seconds=99.0))
    assert buckets.names() == []


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            from_http_status(403, "secret words"),
            DestinationRefused,
            "may not create and read objects in bucket b",
        ),
        (from_http_status(429, "slow down"), Unavailable, "bucket b is not available"),
        (from_http_status(500, "oh"), Unavailable, "bucket b is not available"),
        (ConnectionResetError("gone"), Unavailable, "bucket b is not available"),
    ],
)
def test_errors_are_sorted(error: Exception, kind: type[BackfillError], words: str) -> None:
    with pytest.raises(kind, match=words) as told, speaking_of("b"):
        raise error
    assert "secret words" not in told.value.message
    assert told.value.detail
