"""API keys in Firestore: ``api_keys/{SHA-256 of the key}`` = ``{organization_id, label, created, revoked}``.

``revoked`` is the time from which the service refuses the key, possibly in the future, or null. The service
never compares keys. It looks up a document by the key's digest, so timing reveals nothing about a key.
"""

import hashlib
from collections.abc import Callable

from google.cloud import firestore

from shared.adapters.firestore_documents import RETRY, TIMEOUT, fields_of
from shared.adapters.google_errors import reaching
from shared.domain.organizations import Caller, is_organization_id
from shared.steps.ports import Clock

COLLECTION = "api_keys"
# A revoked key works at most for this long. Unknown keys are looked up each time.
CACHE_SECONDS = 30.0
_ID_LENGTH = 12


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def key_id(digest: str) -> str:
    """Return the key's id for logs and commands: the beginning of its digest, which grants no access."""
    return digest[:_ID_LENGTH]


class FirestoreKeys:
    """Implements the port Keys. ``monotonic`` returns seconds that never decrease."""

    def __init__(self, client: firestore.Client, monotonic: Callable[[], float], now: Clock) -> None:
        self._client = client
        self._monotonic = monotonic
        self._now = now
        self._cache: dict[str, tuple[Caller, float]] = {}

    def caller(self, key: str) -> Caller | None:
        digest = digest_of(key)
        now = self._monotonic()
        cached = self._cache.get(digest)
        if cached is not None and now < cached[1]:
            return cached[0]
        self._cache.pop(digest, None)
        with reaching("the key store"):
            snapshot = self._client.document(COLLECTION, digest).get(retry=RETRY, timeout=TIMEOUT)
        fields = fields_of(snapshot)
        organization_id, revoked = str(fields.get("organization_id") or ""), fields.get("revoked")
        if not is_organization_id(organization_id) or (revoked is not None and revoked <= self._now()):
            return None
        caller = Caller(organization_id, key_id(digest))
        self._cache[digest] = (caller, now + CACHE_SECONDS)
        return caller
