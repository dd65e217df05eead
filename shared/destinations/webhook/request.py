"""What a webhook request carries beside its rows: ids, times and signatures."""

import base64
import hashlib
import hmac

from shared.destinations.webhook.flight import Parcel
from shared.steps.sending import ChunkDelivery


def request_id(delivery: ChunkDelivery, parcel: Parcel) -> str:
    """The request's `webhook-id`: the same on every try, so that a receiver can drop what it has seen.

    Without a full stop, which separates the parts of what is signed. A piece of a batch is told by its first
    row in the chunk and its rows.
    """
    batch = (delivery.job_id, delivery.attempt_id, delivery.chunk, delivery.destination.uid, parcel.number)
    return "_".join(str(part) for part in (*batch, *(() if parcel.whole else parcel.piece)))


def headers_of(
    body: bytes, *, identifier: str, timestamp: int, nonce: str, secret: bytes | None
) -> dict[str, str]:
    """The headers of one try; ``timestamp`` in Unix seconds. Signatures only with a secret, and over the
    body as it is before it is compressed.
    """
    headers = {
        "Content-Type": "application/json",
        "X-Webhook-Timestamp": str(timestamp),
        "X-Webhook-Nonce": nonce,
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
    }
    if secret is not None:
        own = _sign(secret, f"{nonce}.{timestamp}.", body).hex()
        standard = base64.b64encode(_sign(secret, f"{identifier}.{timestamp}.", body)).decode()
        headers["X-Signature-256"] = f"sha256={own}"
        headers["webhook-signature"] = f"v1,{standard}"
    return headers


def _sign(secret: bytes, preamble: str, body: bytes) -> bytes:
    mac = hmac.new(secret, preamble.encode(), hashlib.sha256)
    mac.update(body)
    return mac.digest()
