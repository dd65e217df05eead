"""Reading staged files over connections that break."""

import os
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Blob, Client

from infra.local.ports import free_ports
from shared.adapters import gcs
from shared.adapters.gcs import GcsStagedFiles
from shared.domain.errors import Unavailable
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
