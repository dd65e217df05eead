"""A proxy that adds a missing check to the tests' GCS server: it refuses an upload or a copy with
`ifGenerationMatch=0` if the object exists.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

import urllib3


@contextmanager
def strict_gcs(url: str) -> Iterator[str]:
    """Yield the address of a proxy for the server at ``url``."""
    http = urllib3.PoolManager(retries=False, timeout=30.0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self._only_where_nothing_is() and self._is_there(body):
                self._answer(412, {}, b'{"error": {"code": 412, "message": "conditionNotMet"}}')
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            answer = http.request(self.command, url + self.path, body=body, headers=headers, redirect=False)
            kept = ("content-type", "location", "range", "x-goog-hash", "x-goog-stored-content-length")
            told = {name: value for name, value in answer.headers.items() if name.lower() in kept}
            self._answer(answer.status, told, answer.data)

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
            found = http.request("GET", f"{url}/storage/v1/b/{bucket}/o/{quote(name, safe='')}")
            return found.status == 200

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the tests' output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
