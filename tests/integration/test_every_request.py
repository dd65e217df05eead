"""The real server answers every request in the contract's shape, even those that reach no application."""

import json
from collections.abc import Iterator

import pytest

from shared.web.routes import BACKFILLS
from tests.fakes.web import KEY
from tests.integration.serving import raw_answer, served

pytestmark = pytest.mark.emulator

ENDS = "Host: local\r\nConnection: close\r\n"
KEYED = f"{ENDS}X-API-Key: {KEY}\r\n"
LIST, HEALTH, CANCEL = BACKFILLS, "/health", f"{BACKFILLS}/f47ac10b-58cc-4372-a567-0e02b2c3d479/cancel"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL at which functions-framework serves the API on fakes."""
    with served("tests.integration.web_function", tmp_path_factory) as url:
        yield url


def _answer(url: str, request: str) -> tuple[int, dict[str, str], bytes]:
    head, _, body = raw_answer(url, request.encode("latin-1")).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, body


def _refused(url: str, request: str) -> int:
    """Return the status of a refused request, which must have the contract's shape."""
    status, headers, body = _answer(url, request)
    assert (headers["content-type"], headers["cache-control"]) == ("application/json", "no-store")
    assert int(headers["content-length"]) == len(body)
    (refusal,) = json.loads(body).items()
    assert refusal[0] == "detail"
    assert isinstance(refusal[1], str)
    assert refusal[1]
    return status


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PROPFIND", "M-SEARCH", "TRACE"])
@pytest.mark.parametrize(
    "path",
    [
        *("/favicon.ico", "/robots.txt", "/%66avicon.ico", "/favicon.ico?x=1", "/favicon.ico/"),
        *(f"{BACKFILLS}/%0A/cancel", "/%0d%0a", "/%0A", f"{BACKFILLS}%0A", "/%00", "/%ff%fe", "/%E2%80%A8"),
        *("//api//v1", "//x", f"{BACKFILLS}/", f"{BACKFILLS}//", f"{HEALTH}/", "/.."),
        *("/%", "/%zz", "/;x", "/x?", "/" + "x" * 100_000, "/x" * 50_000, "/a/../health", "/%2e%2e/health"),
        *("http://elsewhere.example/favicon.ico", "http://elsewhere.example/nowhere"),
    ],
    ids=lambda path: path[:40],
)
def test_a_path_that_is_none_is_404_with_a_key_and_401_without(url: str, method: str, path: str) -> None:
    assert _refused(url, f"{method} {path} HTTP/1.1\r\n{KEYED}\r\n") == 404
    assert _refused(url, f"{method} {path} HTTP/1.1\r\n{ENDS}\r\n") == 401


@pytest.mark.parametrize(
    ("path", "methods"), [(LIST, {"GET", "HEAD", "POST"}), (HEALTH, {"GET", "HEAD"}), (CANCEL, {"POST"})]
)
@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "M-SEARCH", "GET_IT"])
def test_a_method_that_a_path_has_not_is_405_with_those_that_it_has(
    url: str, method: str, path: str, methods: set[str]
) -> None:
    request = f"{method} {path} HTTP/1.1\r\n{KEYED}\r\n"
    assert _refused(url, request) == 405
    assert set(_answer(url, request)[1]["allow"].upper().split(", ")) == methods


@pytest.mark.parametrize("path", ["/favicon.ico", "/%0A", "/nowhere"])
def test_head_of_a_path_that_is_none_is_404_without_a_body(url: str, path: str) -> None:
    status, headers, body = _answer(url, f"HEAD {path} HTTP/1.1\r\n{KEYED}\r\n")
    assert (status, headers["content-type"], body) == (404, "application/json", b"")


@pytest.mark.parametrize("request_line", ["OPTIONS * HTTP/1.1", "CONNECT host:443 HTTP/1.1"])
def test_a_target_that_is_no_path_is_404(url: str, request_line: str) -> None:
    assert _refused(url, f"{request_line}\r\n{KEYED}\r\n") == 404


@pytest.mark.parametrize(
    "request_line",
    [
        *(
            "get /health HTTP/1.1",
            "PU#T /health HTTP/1.1",
            f"{'X' * 40} /health HTTP/1.1",
            " /health HTTP/1.1",
        ),
        *("GET /health HTTP/2.0", "GET /health HTTP/9", "GET /health SPDY/1", "GET /health", "GET"),
        *("GET health HTTP/1.1", "GET * HTTP/1.1", "GET  HTTP/1.1", "GET / x HTTP/1.1", "GET /\x00 HTTP/1.1"),
        *(
            "GET /\xff\xfe HTTP/1.1",
            "GET /\t HTTP/1.1",
            "GET /\x7f HTTP/1.1",
            "PRI * HTTP/2.0",
            "\x00\x01\x02",
        ),
        *("PROXY TCP4 127.0.0.1 127.0.0.1 1 1", "", "<script>alert(1)</script>"),
    ],
    ids=repr,
)
def test_what_is_no_http_is_400(url: str, request_line: str) -> None:
    assert _refused(url, f"{request_line}\r\n{ENDS}\r\n") == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("no colon", 400),
        ("Space : x", 400),
        ("Folded: x\r\n y", 400),
        ("Nul: \x00", 400),
        ("Host: again", 400),
        ("Content-Length: x", 400),
        ("Content-Length: -1", 400),
        ("Content-Length: 1\r\nContent-Length: 2", 400),
        ("Content-Length: 1\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: identity, gzip", 400),
        ("Transfer-Encoding: unheard-of", 501),
        ("Expect: the-impossible", 417),
        ("X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off", 400),
        ("Long: " + "x" * 100_000, 431),
        ("Many: x\r\n" * 1_000 + "Many: x", 431),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_headers_that_cannot_be_read_are_refused(url: str, headers: str, status: int) -> None:
    assert _refused(url, f"POST {BACKFILLS} HTTP/1.1\r\n{KEYED}{headers}\r\n\r\n") == status


def test_what_the_server_answers_by_itself_ends_the_connection(url: str) -> None:
    request = f"GET /\x7f HTTP/1.1\r\nHost: local\r\n\r\nGET {HEALTH} HTTP/1.1\r\n{ENDS}\r\n"
    assert raw_answer(url, request.encode()).count(b"HTTP/1.1 ") == 1
