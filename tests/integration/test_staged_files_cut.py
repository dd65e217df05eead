"""Reading staged files over connections that break."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Blob, Client

from infra.local.ports import free_ports
from shared.adapters import gcs
from shared.adapters.gcs import GcsStagedFiles
from shared.domain.columns import Column, JsonKind
from shared.domain.errors import Unavailable
from tests.fakes.gcs_sinks import Buckets, gcs_client
from tests.fakes.sending import NumberedRows, SteadyPulse
from tests.reliability.faults.proxy import HEALTHY, Fault, Proxy

pytestmark = pytest.mark.emulator

PATH = "acme/job/try/data.parquet"
CONTENT = os.urandom(6 << 20)  # more than one part
CUT = Fault(cut_after=1 << 20)


@pytest.fixture
def proxy(gcs_url: str) -> Iterator[Proxy]:
    with Proxy(free_ports(1)[0], urlsplit(gcs_url).port or 0) as proxy:
        yield proxy


@pytest.fixture
def files(gcs_url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> GcsStagedFiles:
    """A bucket with one file, which is read through the proxy."""
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]  # untyped there
    direct = Client(project="test", credentials=credentials, client_options={"api_endpoint": gcs_url})
    bucket = f"cut-{uuid.uuid4().hex[:12]}"
    direct.create_bucket(bucket).blob(PATH).upload_from_string(CONTENT)
    # The server's links lead past the proxy.
    monkeypatch.setattr(Blob, "media_link", None)
    endpoint = {"api_endpoint": f"http://127.0.0.1:{proxy.port}"}
    return GcsStagedFiles(Client(project="test", credentials=credentials, client_options=endpoint), bucket)


def test_a_part_whose_connection_breaks_is_fetched_again(
    files: GcsStagedFiles, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = list[Exception]()

    def heal(error: Exception) -> None:
        failures.append(error)
        proxy.make(HEALTHY)

    monkeypatch.setattr(gcs, "_RETRY", gcs._RETRY.with_delay(initial=0.01))
    monkeypatch.setattr(gcs._RETRY, "_on_error", heal)
    with files.open(PATH, len(CONTENT)) as opened:
        proxy.make(CUT)
        assert opened.content.read() == CONTENT
    assert len(failures) >= 1


def test_an_export_of_some_columns_fetches_a_broken_part_again(
    files: GcsStagedFiles, proxy: Proxy, gcs_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_url)
    buckets = Buckets(gcs_client())
    texts = [os.urandom(600).hex() for _ in range(8_000)]
    size = buckets.stage(PATH, {"row": list(range(8_000)), "text": texts, "key:id": texts}, 4_000)
    assert size > 8 << 20
    delivery = replace(
        buckets.delivery(8_000),
        file=PATH,
        file_bytes=size,
        columns=[Column("row", JsonKind.INTEGER), Column("text", JsonKind.TEXT)],
        file_is_rows=False,
    )
    monkeypatch.setattr(gcs, "_RETRY", gcs._RETRY.with_delay(initial=0.01))
    monkeypatch.setattr(gcs._RETRY, "_on_error", lambda _error: proxy.make(HEALTHY))
    # The file is read through the proxy, and the export is written past it.
    sink = replace(buckets.sink(), staged=replaced(files, buckets.staging.name))
    proxy.make(CUT)
    assert sink.deliver(delivery, NumberedRows(8_000), SteadyPulse())
    assert buckets.table().column("text").to_pylist() == texts


def replaced(files: GcsStagedFiles, bucket: str) -> GcsStagedFiles:
    """Return the same client for another bucket."""
    return GcsStagedFiles(files._client, bucket)


def test_a_bucket_that_breaks_every_connection_is_unavailable(
    files: GcsStagedFiles, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcs, "_RETRY", gcs._RETRY.with_timeout(0.5))
    with pytest.raises(Unavailable):
        read(files, proxy)


def read(files: GcsStagedFiles, proxy: Proxy) -> None:
    """Open the file, and read it when each connection breaks."""
    with files.open(PATH, len(CONTENT)) as opened:
        proxy.make(CUT)
        opened.content.read()
