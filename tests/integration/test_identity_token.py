"""The service's own identity, from a server that answers like Google's metadata server."""

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from infra.local import environments

_PROGRAM = """
from shared.adapters.identity_token import IdentityTokens
from shared.domain.errors import Unavailable
try:
    print(IdentityTokens()("sts.amazonaws.com"))
except Unavailable as error:
    print(error.message, error.detail)
"""


def _token(audience: str) -> str:
    """Return text shaped like a signed token."""
    parts = [{"alg": "RS256"}, {"aud": audience, "exp": 4_102_444_800}]
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*texts, "c2lnbmF0dXJl"])


class _Metadata(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        assert self.headers["Metadata-Flavor"] == "Google"
        answer = json.dumps({"email": "deliver@example.com"}).encode()
        kind = "application/json"
        if asked.path.endswith("/service-accounts/default/identity"):
            kind = "text/html"
            answer = _token(parse_qs(asked.query)["audience"][0]).encode()
        self.send_response(200)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base names it
        """Log no requests."""


@contextmanager
def _server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Metadata) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def _asked(host: str) -> str:
    # The client library reads the address at import.
    told = {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host, "GCE_METADATA_TIMEOUT": "1"}
    done = subprocess.run(  # noqa: S603 - the program above
        [sys.executable, "-c", _PROGRAM],
        env=environments.python() | told,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.strip()


def test_the_metadata_server_gives_a_token_for_the_audience() -> None:
    with _server() as host:
        assert _asked(host) == _token("sts.amazonaws.com")


def test_without_one_it_may_pass() -> None:
    assert (
        _asked("127.0.0.1:9")
        == "the service's own identity is not available at the moment DefaultCredentialsError"
    )
