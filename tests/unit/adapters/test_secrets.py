"""Organizations' secrets: both stores fulfil one contract."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

import pytest
from google.api_core.exceptions import FailedPrecondition, PermissionDenied, ServiceUnavailable

from shared.adapters.secrets_file import FileSecrets
from shared.domain.errors import Unavailable
from tests.fakes.secret_manager import ManagerStore, Values


class Store(Protocol):
    """A store whose content the test sets."""

    def set(self, values: Values) -> None: ...

    def __call__(self, organization_id: str, name: str) -> bytes: ...

    def has_changed(self, organization_id: str, name: str, began: float) -> bool: ...


class FileStore(FileSecrets):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path
        self.set({})

    def set(self, values: Values) -> None:
        self.path.write_text(json.dumps(values), "utf-8")


@pytest.fixture(params=["file", "secret manager"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    stores: dict[str, Callable[[], Any]] = {
        "file": lambda: FileStore(tmp_path / "secrets.json"),
        "secret manager": ManagerStore,
    }
    return cast("Store", stores[request.param]())


def test_a_secret_is_its_value_in_bytes(store: Store) -> None:
    store.set({"org123": {"HOOK_KEY": "välue"}})
    assert store("org123", "HOOK_KEY") == "välue".encode()
    assert not store.has_changed("org123", "HOOK_KEY", 0.0)


def test_a_missing_secret_is_a_key_error_naming_it(store: Store) -> None:
    with pytest.raises(KeyError, match="HOOK_KEY"):
        store("org123", "HOOK_KEY")


def test_another_organizations_secret_is_missing(store: Store) -> None:
    store.set({"org-b": {"KEY": "theirs"}, "org": {"OTHER": "mine"}})
    for name in ("KEY", "b-KEY"):
        with pytest.raises(KeyError):
            store("org", name)


def test_a_changed_secret_is_read_anew(store: Store) -> None:
    store.set({"org123": {"HOOK_KEY": "old"}})
    assert store("org123", "HOOK_KEY") == b"old"
    store.set({"org123": {"HOOK_KEY": "a newer one"}})
    assert store("org123", "HOOK_KEY") == b"a newer one"


def test_a_value_read_past_the_cache_is_the_current_one_from_then_on() -> None:
    store = ManagerStore()
    store.set({"org123": {"HOOK_KEY": "old"}})
    assert store("org123", "HOOK_KEY") == b"old"
    store.replace("org123", "HOOK_KEY", "new")
    assert store("org123", "HOOK_KEY") == b"old"
    assert store.has_changed("org123", "HOOK_KEY", 0.0)
    assert store("org123", "HOOK_KEY") == b"new"
    assert len(store.manager.calls) == 2


def test_a_value_that_is_gone_is_not_cached_any_more() -> None:
    store = ManagerStore()
    store.set({"org123": {"HOOK_KEY": "old"}})
    assert store("org123", "HOOK_KEY") == b"old"
    store.manager.values.clear()
    assert store.has_changed("org123", "HOOK_KEY", 0.0)
    assert not store.has_changed("org123", "HOOK_KEY", 0.0)
    with pytest.raises(KeyError):
        store("org123", "HOOK_KEY")


def test_no_representation_shows_a_value() -> None:
    store = ManagerStore()
    store.set({"org123": {"HOOK_KEY": "hidden-words"}})
    store("org123", "HOOK_KEY")
    assert "hidden-words" not in repr(store._values)


def test_secret_manager_is_asked_at_most_every_30_seconds() -> None:
    store = ManagerStore()
    store.set({"org123": {"HOOK_KEY": "value"}})
    store("org123", "HOOK_KEY")
    store.seconds += 29.9
    store("org123", "HOOK_KEY")
    assert len(store.manager.calls) == 1
    store.seconds += 0.1
    store("org123", "HOOK_KEY")
    assert len(store.manager.calls) == 2


def test_a_disabled_secret_is_missing() -> None:
    store = ManagerStore()
    store.manager.error = FailedPrecondition("disabled")  # type: ignore[no-untyped-call] # as above
    with pytest.raises(KeyError):
        store("org123", "HOOK_KEY")


@pytest.mark.parametrize("error", [ServiceUnavailable, PermissionDenied])
def test_a_secret_manager_that_does_not_answer_may_do_so_later(error: Callable[[str], Exception]) -> None:
    store = ManagerStore()
    store.manager.error = error("down")
    with pytest.raises(Unavailable, match="the secret store"):
        store("org123", "HOOK_KEY")


@pytest.mark.parametrize("content", [None, "{not JSON: secret"])
def test_a_file_that_can_not_be_read_may_be_later_and_is_never_quoted(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "secrets.json"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(Unavailable) as raised:
        FileSecrets(path)("org123", "HOOK_KEY")
    assert "not JSON" not in raised.value.message + raised.value.detail
