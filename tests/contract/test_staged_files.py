"""The staging bucket's guarantees, tested with the GCS server and the fake."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from google.api_core.exceptions import NotFound, ServiceUnavailable
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from shared.adapters.gcs import GcsStagedFiles
from shared.domain.errors import StagedFileUnusable
from shared.steps.ports import StagedFiles
from tests.fakes.files import FakeStagedFiles, crc32c

CONTENT = bytes(range(256)) * 64


@dataclass(frozen=True, slots=True)
class Bucket:
    files: StagedFiles
    put: Callable[[str, bytes], None]
    paths: Callable[[], set[str]]


@pytest.fixture(params=["memory", pytest.param("gcs", marks=pytest.mark.emulator)])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Return an empty bucket."""
    if request.param == "memory":
        fake = FakeStagedFiles()
        return Bucket(fake, fake.contents.__setitem__, lambda: set(fake.contents))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", request.getfixturevalue("gcs_url"))
    client = Client(project="test", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]  # untyped there
    created = client.create_bucket(f"test-{uuid.uuid4().hex[:12]}")
    return Bucket(
        GcsStagedFiles(client, created.name),
        lambda path, content: created.blob(path).upload_from_string(content),
        lambda: {blob.name for blob in client.list_blobs(created)},
    )


def test_a_staged_file_is_read_from_wherever_its_reader_likes(bucket: Bucket) -> None:
    bucket.put("acme/job/try/data.parquet", CONTENT)
    with bucket.files.open("acme/job/try/data.parquet", len(CONTENT)) as opened:
        file = opened.content
        assert opened.crc32c == crc32c(CONTENT)
        file.seek(-4, 2)
        assert file.read() == CONTENT[-4:]
        assert file.seek(1000) == 1000
        assert file.read(10) == CONTENT[1000:1010]
        file.seek(0)
        assert file.read() == CONTENT


@pytest.mark.parametrize("size", [0, len(CONTENT) - 1, len(CONTENT) + 1])
def test_a_file_of_another_size_than_snowflake_wrote_is_unusable(bucket: Bucket, size: int) -> None:
    bucket.put("acme/job/try/data.parquet", CONTENT)
    with pytest.raises(StagedFileUnusable), bucket.files.open("acme/job/try/data.parquet", size):
        pass


def test_a_file_that_is_gone_is_unusable(bucket: Bucket) -> None:
    with pytest.raises(StagedFileUnusable), bucket.files.open("acme/job/try/data.parquet", 1):
        pass


@pytest.mark.parametrize("kind", [NotFound, ServiceUnavailable])
def test_an_error_of_whoever_reads_a_file_is_not_taken_for_the_buckets(
    bucket: Bucket, kind: type[Exception]
) -> None:
    bucket.put("acme/job/try/data.parquet", CONTENT)
    with pytest.raises(kind, match="a topic"), bucket.files.open("acme/job/try/data.parquet", len(CONTENT)):
        raise kind("a topic")


def test_all_files_under_a_prefix_are_removed_and_no_others(bucket: Bucket) -> None:
    mine = {f"acme/job/{attempt}/data_{number}.parquet" for attempt in ("a", "b") for number in range(3)}
    others = {"acme/job2/a/data_0.parquet", "globex/job/a/data_0.parquet"}
    for path in mine | others:
        bucket.put(path, CONTENT)
    bucket.files.delete("acme/job/")
    assert bucket.paths() == others


def test_removing_what_is_not_there_is_no_error(bucket: Bucket) -> None:
    bucket.files.delete("acme/job/")
    assert bucket.paths() == set()
