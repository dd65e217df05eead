"""Create, list, rotate and revoke API keys. Only a key's SHA-256 is stored, so it is shown once.

The API's processes cache a valid key for at most half a minute, and refuse a revoked key after that.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore_documents import RETRY, TIMEOUT, fields_of, paged
from shared.adapters.firestore_keys import COLLECTION, digest_of, key_id
from shared.adapters.google_errors import reaching
from shared.domain.organizations import is_organization_id, may_share_topics

# Scanners of sources and logs recognize keys by this prefix.
PREFIX = "bfk_"
_RANDOM_BYTES = 32
_AFTER_HEX = "g"
_FIELDS = ("organization_id", "label", "created", "revoked")


class KeyRefused(Exception):  # noqa: N818 - named for what happened
    """The requested operation on API keys is not possible."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key's record: everything except the key."""

    key_id: str
    organization_id: str
    label: str
    created: datetime
    revoked: datetime | None


def create(client: firestore.Client, organization_id: str, *, label: str, now: datetime) -> str:
    """Create and return a new key of the organization, which nobody can read again."""
    if not is_organization_id(organization_id):
        raise KeyRefused(
            "an organization's id has 1 to 64 letters, digits, hyphens and underscores, not __ at both ends"
        )
    for other in sorted({each.organization_id for each in issued(client)}):
        if may_share_topics(organization_id, other):
            raise KeyRefused(
                f"the organizations {other} and {organization_id} cannot both exist: names of their topics"
                " could differ only in a dot and an underscore, which Kafka refuses. Use a hyphen, as in"
                f" {organization_id.replace('_', '-')}"
            )
    key = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    fields = {"organization_id": organization_id, "label": label, "created": now, "revoked": None}
    with reaching("the key store"):
        client.document(COLLECTION, digest_of(key)).create(fields, retry=RETRY, timeout=TIMEOUT)
    return key


def issued(client: firestore.Client, organization_id: str | None = None) -> list[IssuedKey]:
    """Return all keys on record, or one organization's, oldest first."""
    # Reads all keys: there are few, so an operator's rare query needs no index.
    found = [_issued(snapshot) for snapshot in paged(client.collection(COLLECTION).select(_FIELDS))]
    wanted = [key for key in found if organization_id is None or key.organization_id == organization_id]
    return sorted(wanted, key=lambda key: key.created)


def rotate(
    client: firestore.Client, named: str, *, overlap: timedelta, now: datetime, tell: Callable[[str], object]
) -> IssuedKey:
    """Print a new key that replaces the named one, which is refused after ``overlap``; return the old one."""
    old = _issued(_find(client, named))
    if old.revoked is not None and old.revoked <= now:
        raise KeyRefused(f"{named} is revoked: create a new key instead")
    tell(create(client, old.organization_id, label=old.label, now=now))
    return revoke(client, named, at=now + overlap)


def revoke(client: firestore.Client, named: str, *, at: datetime) -> IssuedKey:
    """Refuse the key from then on; a key that is refused earlier stays unchanged."""
    snapshot = _find(client, named)
    key = _issued(snapshot)
    if key.revoked is None or key.revoked > at:
        with reaching("the key store"):
            snapshot.reference.update({"revoked": at}, retry=RETRY, timeout=TIMEOUT)
    return _issued(_find(client, named))


def _find(client: firestore.Client, named: str) -> firestore.DocumentSnapshot[Any]:
    if len(named) != len(key_id("0" * 64)) or set(named) - set("0123456789abcdef"):
        raise KeyRefused("name the key by its id, the 12 digits that `keys list` shows")
    keys = client.collection(COLLECTION)
    first, last = keys.document(named), keys.document(named + _AFTER_HEX)
    query = keys.where(filter=FieldFilter("__name__", ">=", first))
    with reaching("the key store"):
        found = list(
            query.where(filter=FieldFilter("__name__", "<", last)).stream(retry=RETRY, timeout=TIMEOUT)
        )
    if len(found) != 1:
        raise KeyRefused(f"there is no key {named}" if not found else f"{named} matches more than one key")
    return found[0]


def _issued(snapshot: firestore.DocumentSnapshot[Any]) -> IssuedKey:
    fields = fields_of(snapshot)
    return IssuedKey(
        key_id(snapshot.id),
        fields["organization_id"],
        fields.get("label") or "",
        fields["created"],
        fields.get("revoked"),
    )
