"""A proxy that adds to the tests' GCS server what it lacks: it refuses an upload or a copy with
`ifGenerationMatch=0` if the object exists, and it answers with the faults that a test asks for.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

import urllib3


@dataclass(frozen=True, slots=True)
class Fault:
    """The answer to every request with this method and with ``part`` in its path."""

    method: str
    part: str
    status: int
    reason: str = "backendError"
    kept: str | None = None  # the range of bytes that an unfinished upload has


@contextmanager
def strict_gcs(url: str, faults: Sequence[Fault] = ()) -> Iterator[str]:
    """Yield the address of a proxy for the server at ``url``. A test may change ``faults`` at any time."""

    class Handler(_Handler):
        server_url = url
        server_faults = faults
        http = urllib3.PoolManager(retries=False, timeout=30.0)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_url: str
    server_faults: Sequence[Fault]
    http: urllib3.PoolManager

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for fault in self.server_faults:
            if self.command == fault.method and fault.part in self.path:
                self._refuse(fault.status, fault.reason, fault.kept)
                return
        if self._only_where_nothing_is() and self._is_there(body):
            self._refuse(412, "conditionNotMet")
            return
        self._pass_on(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any  # noqa: N815 - the base's names

    def _only_where_nothing_is(self) -> bool:
        asked = parse_qs(urlsplit(self.path).query)
        return self.command == "POST" and asked.get("ifGenerationMatch") == ["0"]

    def _is_there(self, body: bytes) -> bool:
        path = urlsplit(self.path).path
        if "/rewriteTo/" in path:
            bucket, name = path.split("/rewriteTo/b/")[1].split("/o/")
            name = unquote(name)
        else:
            bucket, name = path.split("/b/")[1].split("/o")[0], json.loads(body)["name"]
        found = self.http.request("GET", f"{self.server_url}/storage/v1/b/{bucket}/o/{quote(name, safe='')}")
        return found.status == 200

    def _pass_on(self, body: bytes) -> None:
        url, here = self.server_url, f"http://{self.headers['Host']}"
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        answer = self.http.request(self.command, url + self.path, body=body, headers=headers, redirect=False)
        kept = ("content-type", "location", "range", "x-goog-hash", "x-goog-stored-content-length")
        # Of the server's links, the sessions of uploads and the downloads, none may lead past this proxy.
        told = {
            name: value.replace(url, here) for name, value in answer.headers.items() if name.lower() in kept
        }
        is_json = told.get("Content-Type", "").startswith("application/json")
        data = answer.data.replace(url.encode(), here.encode()) if is_json else answer.data
        self._answer(answer.status, told, data)

    def _refuse(self, status: int, reason: str, kept: str | None = None) -> None:
        """Answer in the form of Google's JSON API."""
        error = {"domain": "global", "reason": reason, "message": "words of the server"}
        told = {"code": status, "message": "words of the server", "errors": [error]}
        headers = {"Content-Type": "application/json"} | ({"Range": kept} if kept else {})
        self._answer(status, headers, json.dumps({"error": told}).encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output quiet."""
