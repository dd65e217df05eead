"""A webhook receiver on loopback: it verifies each batch's signatures and passes the batch on."""

import base64
import gzip
import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import zstandard

from infra.local.ports import LOOPBACK


@dataclass(frozen=True)
class Batch:
    """``is_signed``: both signatures are valid. ``body``: the JSON array without its compression."""

    webhook_id: str
    is_signed: bool
    body: bytes


def is_signed(headers: Message, body: bytes, secret: bytes) -> bool:
    """Verify both signatures of a request, as the documentation describes it for receivers."""
    nonce, seconds = headers["X-Webhook-Nonce"], headers["X-Webhook-Timestamp"]
    own = hmac.new(secret, f"{nonce}.{seconds}.".encode() + body, sha256).hexdigest()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    standard = base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode()
    return headers["X-Signature-256"] == f"sha256={own}" and headers["webhook-signature"] == f"v1,{standard}"


def serve(take: Callable[[Batch], int], secret: bytes, port: int = 0) -> ThreadingHTTPServer:
    """Start receiving in the background; port 0 is any free one. ``take`` returns the answer's status.

    Several threads call ``take`` at once. Raises OSError if the port is in use.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            body = _plain(sent, self.headers["Content-Encoding"])
            status = take(Batch(self.headers["webhook-id"], is_signed(self.headers, body, secret), body))
            self.send_response(status)
            if status != 204:  # noqa: PLR2004 - No Content, an answer without a body
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Log nothing: whoever takes the batches says what is worth saying."""

    server = ThreadingHTTPServer((LOOPBACK, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _plain(sent: bytes, how: str | None) -> bytes:
    match how:
        case "gzip":
            return gzip.decompress(sent)
        case "zstd":
            return zstandard.ZstdDecompressor().decompress(sent)
        case _:
            return sent
