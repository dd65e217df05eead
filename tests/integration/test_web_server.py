"""The API behind the real server: what only sockets can show."""

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import urllib3

from infra.local.calls import call
from shared.web.routes import BACKFILLS
from tests.fakes.web import KEY, OTHER_KEY, backfill
from tests.integration.serving import raw_answer, served

pytestmark = pytest.mark.emulator

MIB = 1024 * 1024
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where functions-framework serves the API on fakes."""
    with served("tests.integration.web_function", tmp_path_factory) as url:
        yield url


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("key", "status"), [(KEY, 413), ("unknown", 401)])
def test_who_sends_far_too_much_still_reads_the_answer(
    url: str, key: str, status: int, *, chunked: bool, connection: str
) -> None:
    body = (b" " * MIB for _ in range(10)) if chunked else b" " * (10 * MIB)
    headers = JSON | {"X-API-Key": key, "Connection": connection}
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request("POST", url + BACKFILLS, body=body, headers=headers)
    assert (answer.status, list(answer.json())) == (status, ["detail"])


def test_a_chunked_body_within_the_limit_is_read(url: str) -> None:
    filtered = backfill(filter={"column": "c", "values": [f"{number:060}" for number in range(16_384)]})
    body = iter([json.dumps(filtered).encode()])
    answer = call("POST", url + BACKFILLS, body=body, headers=JSON | {"X-API-Key": KEY}, timeout=60.0)
    assert answer.status == 201


def test_broken_framing_is_400(url: str) -> None:
    assert _raw(url, "Transfer-Encoding: chunked", b"zz\r\n{}\r\n").startswith(b"HTTP/1.1 400")


def test_a_list_that_breaks_off_never_looks_complete(url: str) -> None:
    headers = {"X-API-Key": OTHER_KEY}
    with pytest.raises(urllib3.exceptions.HTTPError):
        call("GET", url + BACKFILLS, headers=headers, retries=False, timeout=60.0)
    assert call("GET", url + BACKFILLS, headers={"X-API-Key": KEY}, timeout=60.0).status == 200


def test_head_of_the_list_has_no_body(url: str) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    for method in ("HEAD", "GET"):
        connection.request(method, BACKFILLS, headers={"X-API-Key": KEY})
        answer = connection.getresponse()
        assert (answer.status, len(answer.read()) > 0) == (200, method == "GET")
    connection.close()


def _raw(url: str, header: str, body: bytes) -> bytes:
    lines = [f"POST {BACKFILLS} HTTP/1.1", "Host: local", f"X-API-Key: {KEY}", header]
    lines += ["Content-Type: application/json", "Connection: close", "", ""]
    return raw_answer(url, "\r\n".join(lines).encode() + body)
