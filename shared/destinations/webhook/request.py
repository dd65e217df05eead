"""The headers of a webhook request: ids, times and signatures."""

import base64
import hashlib
import hmac

from shared.destinations.webhook.flight import Parcel
from shared.steps.sending import ChunkDelivery


def request_id(delivery: ChunkDelivery, parcel: Parcel) -> str:
    """Return the request's `webhook-id`: the same at every attempt, so that a receiver can drop repeats.

    It has no full stop, which separates the parts of the signed bytes. The id of a piece of a batch has its
    first row in the chunk and its number of rows.
    """
    batch = (delivery.job_id, delivery.attempt_id, delivery.chunk, delivery.destination.uid, parcel.number)
    return "_".join(str(part) for part in (*batch, *(() if parcel.whole else parcel.piece)))


def headers_of(
    body: bytes, *, identifier: str, timestamp: int, nonce: str, secret: bytes | None
) -> dict[str, str]:
    """Return the headers of one attempt; ``timestamp`` in Unix seconds. Only a secret adds signatures. They
    cover the uncompressed body.
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
