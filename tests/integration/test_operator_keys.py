"""The operator's commands for API keys and limits, with the emulator."""

import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.cloud import firestore

from shared.adapters.firestore_keys import CACHE_SECONDS, FirestoreKeys, digest_of, key_id
from shared.operator.__main__ import main
from shared.operator.keys import PREFIX
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.emulator

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """A command's output and exit status."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Operator:
    """An operator's commands, and the API's view of the keys; its clock starts now."""

    client: firestore.Client
    keys: FirestoreKeys
    clock: FakeClock
    capture: pytest.CaptureFixture[str]

    def run(self, *words: str) -> Done:
        try:
            status = main(words)
        except SystemExit as usage:
            status = int(usage.code or 0)
        return Done(status, *self.capture.readouterr())

    def key(self, *words: str) -> str:
        """Return the key that a command shows."""
        done = self.run("keys", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[0]

    def organization(self, key: str) -> str | None:
        caller = self.keys.caller(key)
        return caller.organization_id if caller else None


@pytest.fixture
def operator(
    firestore_host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Operator:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    project, clock = f"test-{uuid.uuid4().hex[:12]}", FakeClock()
    clock.time = datetime.now(UTC)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", project)
    client = firestore.Client(project=project)
    return Operator(client, FirestoreKeys(client, clock.monotonic, clock.now), clock, capsys)


def test_the_commands_are_a_module_that_a_shell_runs(operator: Operator) -> None:
    command = [sys.executable, "-m", "shared.operator", "keys", "create", "acme"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert operator.organization(done.stdout.strip()) == "acme"


def test_a_key_is_shown_once_and_works(operator: Operator) -> None:
    first, second = operator.key("create", "acme", "--label", "nightly job"), operator.key("create", "globex")
    assert first != second
    assert first.startswith(PREFIX)
    assert len(first) > 40
    assert (operator.organization(first), operator.organization(second)) == ("acme", "globex")
    listed = operator.run("keys", "list").stdout
    assert first not in listed
    assert "nightly job" in listed


def test_an_organization_whose_topics_could_collide_with_anothers_gets_no_key(operator: Operator) -> None:
    operator.key("create", "acme")
    refused = operator.run("keys", "create", "acme_eu")
    assert refused.returncode == 1
    assert "acme-eu" in refused.stderr
    operator.key("create", "acme-eu")


def test_what_is_stored_is_its_digest_alone(operator: Operator) -> None:
    key = operator.key("create", "acme")
    [document] = operator.client.collection("api_keys").stream()
    assert document.id == digest_of(key)
    assert key not in str(document.to_dict())


def test_the_list_is_of_all_or_of_one_organization(operator: Operator) -> None:
    ours, theirs = operator.key("create", "acme"), operator.key("create", "globex")
    ids = {key: key_id(digest_of(key)) for key in (ours, theirs)}
    everybodys = operator.run("keys", "list").stdout
    assert ids[ours] in everybodys
    assert ids[theirs] in everybodys
    assert ids[theirs] not in operator.run("keys", "list", "acme").stdout


def test_a_revoked_key_stops_working_within_a_minute(operator: Operator) -> None:
    key, other = operator.key("create", "acme"), operator.key("create", "acme")
    assert operator.organization(key) == "acme"
    done = operator.run("keys", "revoke", key_id(digest_of(key)))
    assert done.returncode == 0
    assert datetime.now(UTC).isoformat()[:10] in done.stdout
    operator.clock.sleep(60)
    assert operator.organization(key) is None
    assert operator.organization(other) == "acme"


def test_a_rotated_key_works_for_the_overlap_and_the_new_one_from_the_start(operator: Operator) -> None:
    old = operator.key("create", "acme", "--label", "nightly job")
    new = operator.key("rotate", key_id(digest_of(old)), "--overlap-hours", "2")
    assert (operator.organization(old), operator.organization(new)) == ("acme", "acme")
    operator.clock.sleep(2 * 3600 + CACHE_SECONDS)
    assert (operator.organization(old), operator.organization(new)) == (None, "acme")
    listed = operator.run("keys", "list", "acme").stdout
    assert listed.count("nightly job") == 2
    again = operator.run("keys", "revoke", key_id(digest_of(old)))
    assert again.returncode == 0


def test_revoking_later_than_before_changes_nothing(operator: Operator) -> None:
    key = operator.key("create", "acme")
    named = key_id(digest_of(key))
    operator.run("keys", "revoke", named)
    operator.run("keys", "revoke", named)
    [document] = operator.client.collection("api_keys").stream()
    assert document.get("revoked") - document.get("created") < timedelta(minutes=1)
    refused = operator.run("keys", "rotate", named)
    assert refused.returncode == 1
    assert "revoked" in refused.stderr


@pytest.mark.parametrize(
    "words", [("revoke", "0" * 12), ("rotate", "0" * 12), ("revoke", "x"), ("create", "a.b")]
)
def test_what_can_not_be_done_is_said(operator: Operator, words: tuple[str, ...]) -> None:
    done = operator.run("keys", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_limit_is_set_and_taken_back(operator: Operator) -> None:
    organization = operator.client.document("organizations", "acme")
    assert operator.run("limit", "acme", "250").stdout == "limit: acme: 250\n"
    assert organization.get().get("most_jobs_in_flight") == 250
    assert operator.run("limit", "acme", "default").returncode == 0
    assert "most_jobs_in_flight" not in (organization.get().to_dict() or {})
    assert operator.run("recount", "acme").stdout == "repair: acme: 0 in flight, 0 topics repaired\n"
    assert operator.run("limit", "acme", "many").returncode == 2
    assert operator.run("limit", "a/b", "1").returncode == 2
