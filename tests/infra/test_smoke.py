"""The smoke test detects a broken API."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.release.smoke import main

_WELL: Mapping[str, tuple[int, bytes]] = {
    "/health": (200, b""),
    "/api/v1/beam/openapi.json": (200, b'{"openapi": "3.1.0"}'),
    "/api/v1/beam/backfills": (401, b'{"detail": "Invalid API key"}'),
}


@contextmanager
def _api(answers: Mapping[str, tuple[int, bytes]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[self.path]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_an_api_that_lives_passes(capsys: pytest.CaptureFixture[str]) -> None:
    with _api(_WELL) as url:
        main([url], patience=0)
    assert len(capsys.readouterr().out.splitlines()) == 4


@pytest.mark.parametrize(
    ("path", "answer", "complaint"),
    [
        ("/health", (503, b""), "it is healthy: 503 instead of 200"),
        ("/api/v1/beam/openapi.json", (200, b"{}"), "no OpenAPI document"),
        ("/api/v1/beam/backfills", (200, b"[]"), "it refuses a request without a key: 200 instead of 401"),
        ("/api/v1/beam/backfills", (500, b""), "500 instead of 401"),
    ],
)
def test_one_that_does_not_is_noticed(path: str, answer: tuple[int, bytes], complaint: str) -> None:
    with _api({**_WELL, path: answer}) as url, pytest.raises(SystemExit, match=complaint):
        main([url], patience=0)


def test_nobody_answering_is_noticed() -> None:
    with pytest.raises(SystemExit, match="no answer"):
        main(["http://127.0.0.1:1"], patience=0)


def test_it_asks_over_https_only() -> None:
    with pytest.raises(SystemExit, match="usage"):
        main(["http://example.com"])
