"""API keys in Firestore."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import firestore

from shared.adapters.firestore_keys import CACHE_SECONDS, FirestoreKeys
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.emulator


@dataclass
class KeyStore:
    """The adapter with an empty project of the emulator, and a writer for what it reads."""

    client: firestore.Client
    clock: FakeClock
    keys: FirestoreKeys

    def store(self, key: str, **fields: Any) -> None:
        digest = hashlib.sha256(key.encode()).hexdigest()
        self.client.document("api_keys", digest).set({"created": datetime.now(UTC), "revoked": None} | fields)


@pytest.fixture
def store(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> KeyStore:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    client, clock = firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}"), FakeClock()
    return KeyStore(client, clock, FirestoreKeys(client, clock.monotonic, clock.now))


def organization_of(store: KeyStore, key: str) -> str | None:
    caller = store.keys.caller(key)
    return caller.organization_id if caller else None


def test_a_key_belongs_to_one_organization(store: KeyStore) -> None:
    store.store("first", organization_id="org123")
    store.store("second", organization_id="another")
    assert (organization_of(store, "first"), organization_of(store, "second")) == ("org123", "another")


@pytest.mark.parametrize("key", ["unknown", "../api_keys", "\x00", "é", "x" * 10_000])
def test_an_unknown_key_belongs_to_none(store: KeyStore, key: str) -> None:
    assert store.keys.caller(key) is None


def test_an_unknown_key_works_as_soon_as_it_is_stored(store: KeyStore) -> None:
    assert store.keys.caller("new") is None
    store.store("new", organization_id="org123")
    assert organization_of(store, "new") == "org123"


def test_a_revoked_key_works_for_the_caches_time_at_most(store: KeyStore) -> None:
    store.store("key", organization_id="org123")
    assert organization_of(store, "key") == "org123"
    store.store("key", organization_id="org123", revoked=store.clock.now())
    store.clock.sleep(CACHE_SECONDS - 0.001)
    assert organization_of(store, "key") == "org123"
    store.clock.sleep(0.001)
    assert store.keys.caller("key") is None
    assert store.keys.caller("key") is None


@pytest.mark.parametrize("fields", [{}, {"organization_id": "a.b"}, {"organization_id": None}])
def test_a_key_of_no_proper_organization_belongs_to_none(store: KeyStore, fields: dict[str, Any]) -> None:
    store.store("key", **fields)
    assert store.keys.caller("key") is None


def test_a_key_that_is_to_be_revoked_works_until_then_and_the_caches_time(store: KeyStore) -> None:
    store.store("key", organization_id="org123", revoked=store.clock.now() + timedelta(hours=1))
    assert organization_of(store, "key") == "org123"
    store.clock.sleep(3599)
    assert organization_of(store, "key") == "org123"
    store.clock.sleep(CACHE_SECONDS)
    assert store.keys.caller("key") is None


def test_a_keys_id_tells_nothing_that_opens(store: KeyStore) -> None:
    store.store("key", organization_id="org123")
    caller = store.keys.caller("key")
    assert caller is not None
    assert caller.key_id == hashlib.sha256(b"key").hexdigest()[:12]
    assert store.keys.caller(caller.key_id) is None
    assert store.keys.caller(hashlib.sha256(b"key").hexdigest()) is None


def test_the_cache_is_shorter_than_the_minute_that_operators_are_promised() -> None:
    assert CACHE_SECONDS <= 60
