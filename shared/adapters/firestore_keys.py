"""API keys in Firestore: ``api_keys/{SHA-256 of the key, hex}`` = ``{organization_id, created, revoked}``."""

import hashlib
from collections.abc import Callable

from google.cloud import firestore

from shared.adapters.firestore_documents import RETRY, TIMEOUT, fields_of
from shared.adapters.google_errors import reaching
from shared.organizations import is_organization_id

# A revoked key works for this long at most; unknown keys are asked about each time.
CACHE_SECONDS = 30.0


class FirestoreKeys:
    """Fulfils the port Keys. ``monotonic`` answers seconds that never go back."""

    def __init__(self, client: firestore.Client, monotonic: Callable[[], float]) -> None:
        self._client = client
        self._monotonic = monotonic
        self._cache: dict[str, tuple[str, float]] = {}

    def organization(self, key: str) -> str | None:
        digest = hashlib.sha256(key.encode()).hexdigest()
        now = self._monotonic()
        cached = self._cache.get(digest)
        if cached is not None and now < cached[1]:
            return cached[0]
        self._cache.pop(digest, None)
        with reaching("the key store"):
            snapshot = self._client.document("api_keys", digest).get(retry=RETRY, timeout=TIMEOUT)
        fields = fields_of(snapshot)
        organization_id = str(fields.get("organization_id") or "")
        if not is_organization_id(organization_id) or fields.get("revoked") is not None:
            return None
        self._cache[digest] = (organization_id, now + CACHE_SECONDS)
        return organization_id
