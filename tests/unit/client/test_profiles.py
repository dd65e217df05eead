"""The sources of the service's address and key, and who may read them."""

import io
import sys
from pathlib import Path

import pytest

from backfills.cli import main, profiles
from tests.unit.client.service import Says, service

NO_JOBS = Says(200, [])
KEYRING = """
stored = {}
viable = True
from keyring import errors
class Backend:
    priority = 1
def get_keyring(): return Backend()
def set_password(service, name, password):
    if not viable: raise errors.KeyringError("locked")
    stored[service, name] = password
def get_password(service, name): return stored.get((service, name))
def delete_password(service, name): del stored[service, name]
"""
ERRORS = "class KeyringError(Exception): pass\nclass PasswordDeleteError(KeyringError): pass\n"


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "BACKFILLS_URL", "BACKFILLS_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installed keyring with a backend."""
    folder = tmp_path / "packages" / "keyring"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(KEYRING)
    (folder / "errors.py").write_text(ERRORS)
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    for name in ("keyring", "keyring.errors"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def login(monkeypatch: pytest.MonkeyPatch, url: str, key: str, *arguments: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
    return main(["login", "--url", url, *arguments])


def test_login_asks_the_service_and_stores_a_file_for_oneself(monkeypatch: pytest.MonkeyPatch) -> None:
    with service(NO_JOBS, NO_JOBS) as server:
        assert login(monkeypatch, f"{server.url}/", "secret") == 0
        assert main(["list"]) == 0
    assert [asked.headers["X-API-Key"] for asked in server.asked] == ["secret"] * 2
    assert profiles.file().stat().st_mode & 0o777 == 0o600
    assert profiles.file().parent.stat().st_mode & 0o777 == 0o700
    assert list(profiles.file().parent.iterdir()) == [profiles.file()]


def test_a_key_that_is_refused_is_not_stored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with service(Says(401, {"detail": "No such key"})) as server:
        assert login(monkeypatch, server.url, "secret") == 3
    assert not profiles.file().exists()
    printed = capsys.readouterr()
    assert "No such key" in printed.err
    assert "secret" not in printed.err + printed.out


@pytest.mark.usefixtures("keyring")
def test_where_there_is_a_keyring_the_file_holds_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert login(monkeypatch, "https://h", "secret", "--no-check") == 0
    assert "secret" not in profiles.file().read_text()
    assert profiles.access(None) == profiles.Access("https://h", "secret")
    assert main(["logout"]) == 0
    assert sys.modules["keyring"].stored == {}
    assert profiles.load() == {}


@pytest.mark.usefixtures("keyring")
def test_a_keyring_that_is_locked_leaves_the_key_to_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.viable", False)
    assert login(monkeypatch, "https://h", "secret", "--no-check") == 0
    assert profiles.access(None) == profiles.Access("https://h", "secret")


def test_the_environment_goes_before_a_profile_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    login(monkeypatch, "https://stored", "stored", "--no-check")
    login(monkeypatch, "https://other", "other", "--no-check", "--profile", "other")
    monkeypatch.setenv("BACKFILLS_API_KEY", "given")
    assert profiles.access(None) == profiles.Access("https://stored", "given")
    monkeypatch.setenv("BACKFILLS_URL", "https://given")
    assert profiles.access(None) == profiles.Access("https://given", "given")
    assert profiles.access("other") == profiles.Access("https://other", "other")


def test_a_stored_key_goes_to_no_other_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    login(monkeypatch, "https://stored", "stored", "--no-check")
    with service() as server:
        monkeypatch.setenv("BACKFILLS_URL", server.url)
        assert main(["list"]) == 2
    assert server.asked == []
    assert "BACKFILLS_API_KEY" in capsys.readouterr().err


def test_a_file_that_others_may_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    login(monkeypatch, "https://h", "secret", "--no-check")
    profiles.file().chmod(0o640)
    assert main(["list"]) == 2
    assert "chmod 600" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "[]", '{"default": 7}', '{"default": {"other": 1}}'])
def test_a_damaged_file_is_told(capsys: pytest.CaptureFixture[str], text: str) -> None:
    profiles.file().parent.mkdir(parents=True)
    profiles.file().write_text(text)
    profiles.file().chmod(0o600)
    assert main(["list"]) == 2
    assert "damaged" in capsys.readouterr().err


def test_without_anything_login_is_what_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 2
    assert "backfills login" in capsys.readouterr().err
