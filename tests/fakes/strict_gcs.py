"""The local GCS server behind a check that it lacks: it ignores preconditions of copies and uploads."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

import urllib3

from infra.local.ports import LOOPBACK

_DROPPED = {"content-length", "transfer-encoding", "connection", "host"}


@contextmanager
def strict_gcs(url: str, *, hidden: int = 0) -> Iterator[str]:
    """The URL of a proxy that answers 412 to whoever would write, where there is nothing, what is there.

    The first ``hidden`` questions for an object are answered as if it were not there yet.
    """
    http = urllib3.PoolManager(retries=False)
    looks = iter(range(hidden))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.command == "GET" and next(looks, None) is not None:
                self._answer(404, {}, b"{}")
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command == "POST" and _is_taken(http, url, self.path, body):
                self._answer(412, {"Content-Type": "application/json"}, b"{}")
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _DROPPED}
            answer = http.request(self.command, url + self.path, body=body, headers=headers, redirect=False)
            self._answer(answer.status, dict(answer.headers), answer.data)

        do_POST = do_PUT = do_GET  # noqa: N815 - the library's names

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in _DROPPED:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _is_taken(http: urllib3.PoolManager, url: str, path: str, body: bytes) -> bool:
    """Whether the request asks for nothing to be there, and something is."""
    parts = urlsplit(path)
    asked = parse_qs(parts.query)
    if asked.get("ifGenerationMatch") != ["0"]:
        return False
    if "/rewriteTo/" in parts.path:
        bucket, _, name = parts.path.partition("/rewriteTo/b/")[2].partition("/o/")
    else:
        bucket, name = parts.path.split("/b/")[1].split("/")[0], json.loads(body)["name"]
    where = f"{url}/storage/v1/b/{bucket}/o/{quote(unquote(name), safe='')}"
    return http.request("GET", where).status == 200
