"""A webhook receiver: it stores batches in a file for the check, and answers 204.

    python -m infra.local.demo.receiver SPOOL

It prints its port, reads the secret from standard input, and ends when its standard input does. Each line of
the spool is one request: its ``webhook-id``, whether both signatures are valid, and the body.
"""

import base64
import hmac
import json
import sys
import threading
from email.message import Message
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TextIO


def is_signed(headers: Message, body: bytes, secret: bytes) -> bool:
    """Verify both signatures of a request, as the documentation describes it for receivers."""
    nonce, seconds = headers["X-Webhook-Nonce"], headers["X-Webhook-Timestamp"]
    own = hmac.new(secret, f"{nonce}.{seconds}.".encode() + body, sha256).hexdigest()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    standard = base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode()
    return headers["X-Signature-256"] == f"sha256={own}" and headers["webhook-signature"] == f"v1,{standard}"


def serve(spool: Path, secret: bytes, port_to: TextIO) -> ThreadingHTTPServer:
    """Start receiving in the background on a free port."""
    file = spool.open("a", encoding="utf-8")
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            entry = [self.headers["webhook-id"], is_signed(self.headers, body, secret), body.decode()]
            with lock:
                file.write(json.dumps(entry) + "\n")
                file.flush()
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Log nothing, because the check counts the requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], file=port_to, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> int:
    serve(Path(sys.argv[1]), sys.stdin.readline().strip().encode(), sys.stdout)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
