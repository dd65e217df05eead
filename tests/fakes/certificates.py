"""Receivers' certificates for TLS on loopback."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from infra.local.authority import Authority


@dataclass(frozen=True)
class Certified:
    """A receiver's TLS context, and the context of a client that trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def certify(host: str, folder: Path) -> Certified:
    """Create a key and a certificate for the host, of an authority of its own; ``folder`` holds the file."""
    authority = Authority()
    certificate, key = authority.issue(host)
    file = folder / "receiver.pem"
    file.write_text(key + certificate)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return Certified(server, ssl.create_default_context(cadata=authority.pem))
