"""Calls that only Google may make: tokens of a real key, and certificates served on loopback."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from flask import Request
from google.auth import crypt, jwt
from google.auth.transport import requests
from werkzeug.test import EnvironBuilder

from shared.adapters.callers import GoogleCallers
from shared.adapters.pubsub import Pushed
from shared.adapters.traces import PassingTracer
from shared.bootstrap.callers import Anybody, callers
from shared.bootstrap.push import AGAIN, DONE, REFUSED, Answer, Push
from shared.config import read
from shared.domain.errors import CallerUnknown, Unavailable
from tests.fakes.clock import FakeClock
from tests.unit.bootstrap.test_push import push
from tests.unit.conftest import Logged

AUDIENCE = "https://deliver-abc.run.app"
ACCOUNT = "push@project.iam.gserviceaccount.com"


class Key:
    """A signing key and its certificate."""

    def __init__(self, key_id: str) -> None:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(private, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(Encoding.PEM).decode()
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.signer: Any = crypt.RSASigner.from_string(pem, key_id)  # type: ignore[no-untyped-call] # no types

    def token(self, **changes: Any) -> str:
        """Return a token signed like Google's, with some claims changed; None omits one."""
        now = int(time.time())
        claims = {
            "iss": "https://accounts.google.com",
            "aud": AUDIENCE,
            "email": ACCOUNT,
            "email_verified": True,
            "iat": now,
            "exp": now + 3600,
        } | changes
        given = {name: value for name, value in claims.items() if value is not None}
        return bytes(jwt.encode(self.signer, given)).decode()  # type: ignore[no-untyped-call] # no types


@dataclass
class Certificates:
    """Google's list of keys, on loopback."""

    keys: dict[str, str]
    status: int = 200
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture(scope="module")
def keys() -> tuple[Key, Key]:
    """Google's key, and another one."""
    return Key("first"), Key("first")


@pytest.fixture
def certificates(keys: tuple[Key, Key]) -> Iterator[Certificates]:
    served = Certificates({"first": keys[0].certificate})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            body = json.dumps(served.keys).encode()
            self.send_response(served.status)
            self.send_header("Cache-Control", "public, max-age=300, must-revalidate")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/certs"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def armed(certificates: Certificates, clock: FakeClock, *, behind_iam: bool) -> GoogleCallers:
    return GoogleCallers(
        requests.Request(),
        audience=AUDIENCE,
        service_account=ACCOUNT,
        behind_iam=behind_iam,
        now=clock.now,
        monotonic=clock.monotonic,
        certs_url=certificates.url,
    )


@pytest.fixture
def google(certificates: Certificates, clock: FakeClock) -> GoogleCallers:
    """The environment without an earlier check of the call."""
    return armed(certificates, clock, behind_iam=False)


@pytest.fixture
def google_behind_iam(certificates: Certificates, clock: FakeClock) -> GoogleCallers:
    return armed(certificates, clock, behind_iam=True)


def test_the_service_accounts_token_for_this_function_is_taken(
    google: GoogleCallers, keys: tuple[Key, Key]
) -> None:
    google.require(f"Bearer {keys[0].token()}", None)
    google.require(f"bearer {keys[0].token(iss='accounts.google.com')}", None)


# Claims of another account's token, or of a token for another purpose.
NOT_THEIRS: list[dict[str, Any]] = [
    {"aud": "https://stage-abc.run.app"},
    {"aud": None},
    {"email": "somebody@project.iam.gserviceaccount.com"},
    {"email": None},
    {"email_verified": False},
    {"email_verified": None},
    {"email_verified": "true"},
    {"iss": "https://accounts.example.com"},
    {"iss": None},
    {"iss": ["https://accounts.google.com"]},
]


@pytest.mark.parametrize(
    "changes",
    [
        *NOT_THEIRS,
        {"exp": int(time.time()) - 60},
        # A day ahead, because this test may run late.
        {"iat": int(time.time()) + 86_400, "exp": int(time.time()) + 90_000},
    ],
    ids=" and ".join,
)
def test_a_token_of_anybody_or_for_anything_else_is_refused(
    google: GoogleCallers, keys: tuple[Key, Key], changes: dict[str, Any]
) -> None:
    with pytest.raises(CallerUnknown):
        google.require(f"Bearer {keys[0].token(**changes)}", None)


def test_a_token_that_another_key_signed_is_refused(google: GoogleCallers, keys: tuple[Key, Key]) -> None:
    with pytest.raises(CallerUnknown):
        google.require(f"Bearer {keys[1].token()}", None)


def test_a_token_that_nobody_signed_is_refused(google: GoogleCallers, keys: tuple[Key, Key]) -> None:
    """Refuse a missing signature, changed claims, and a token without an algorithm."""
    header, claims, signature = keys[0].token().split(".")
    other_claims = keys[0].token(email=ACCOUNT, aud=AUDIENCE, extra=1).split(".")[1]
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    for forged in (f"{header}.{claims}.", f"{header}.{other_claims}.{signature}", f"{none}.{claims}."):
        with pytest.raises(CallerUnknown):
            google.require(f"Bearer {forged}", None)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcg==",
        "Basic a.b.c",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer a.b.c.d",
    ],
)
def test_a_call_without_a_token_is_refused(google: GoogleCallers, header: str | None) -> None:
    with pytest.raises(CallerUnknown):
        google.require(header, None)


def test_a_credential_of_another_kind_is_not_repeated(google: GoogleCallers) -> None:
    """For example an access token, sent by mistake: the detail goes to the log."""
    with pytest.raises(CallerUnknown) as caught:
        google.require("Bearer ya29.hunter2", None)
    assert "hunter2" not in f"{caught.value.message} {caught.value.detail}"


def as_cloud_run_hands_it_on(key: Key, clock: FakeClock, **changes: Any) -> str:
    """Return the header of a call whose token Cloud Run has verified, issued by the test's clock."""
    issued = int(clock.now().timestamp())
    token = key.token(**{"iat": issued, "exp": issued + 3600} | changes)
    return f"Bearer {token.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE"


def test_behind_iam_a_token_is_taken_whose_signature_cloud_run_has_verified(
    google_behind_iam: GoogleCallers, keys: tuple[Key, Key], clock: FakeClock, certificates: Certificates
) -> None:
    google_behind_iam.require(as_cloud_run_hands_it_on(keys[0], clock), None)
    assert certificates.asked == []


def test_behind_iam_a_token_that_still_has_its_signature_is_taken_for_the_signature(
    google_behind_iam: GoogleCallers, keys: tuple[Key, Key]
) -> None:
    google_behind_iam.require(f"Bearer {keys[0].token()}", None)
    with pytest.raises(CallerUnknown):
        google_behind_iam.require(f"Bearer {keys[1].token()}", None)


def test_where_iam_does_not_stand_in_front_no_token_is_taken_without_its_signature(
    google: GoogleCallers, keys: tuple[Key, Key], clock: FakeClock
) -> None:
    now = int(time.time())
    with pytest.raises(CallerUnknown):
        google.require(as_cloud_run_hands_it_on(keys[0], clock, iat=now, exp=now + 3600), None)


@pytest.mark.parametrize(
    "changes",
    [
        *NOT_THEIRS,
        {"aud": [AUDIENCE]},
        {"iat": None},
        {"exp": None},
        {"iat": "0"},
        {"exp": "99999999999"},
        {"exp": float("inf")},
    ],
    ids=" and ".join,
)
def test_behind_iam_a_token_of_anybody_or_for_anything_else_is_refused(
    google_behind_iam: GoogleCallers, keys: tuple[Key, Key], clock: FakeClock, changes: dict[str, Any]
) -> None:
    """IAM admits every account with the permission to call, with any of Google's tokens."""
    with pytest.raises(CallerUnknown):
        google_behind_iam.require(as_cloud_run_hands_it_on(keys[0], clock, **changes), None)


@pytest.mark.parametrize(
    ("moved", "taken"), [(-11, False), (-10, True), (0, True), (3610, True), (3611, False)]
)
def test_behind_iam_a_token_holds_for_its_time_and_ten_seconds_of_a_clocks_error(
    google_behind_iam: GoogleCallers, keys: tuple[Key, Key], clock: FakeClock, *, moved: int, taken: bool
) -> None:
    header = as_cloud_run_hands_it_on(keys[0], clock)
    clock.sleep(moved)
    with nullcontext() if taken else pytest.raises(CallerUnknown):
        google_behind_iam.require(header, None)


@pytest.mark.parametrize("mark", ["", "signature_removed_by_google", "SIGNATURE_REMOVED_BY_GOOGLE.", "x"])
def test_behind_iam_only_cloud_runs_own_mark_stands_for_a_signature(
    google_behind_iam: GoogleCallers, keys: tuple[Key, Key], clock: FakeClock, mark: str
) -> None:
    header = as_cloud_run_hands_it_on(keys[0], clock)
    with pytest.raises(CallerUnknown):
        google_behind_iam.require(header.replace("SIGNATURE_REMOVED_BY_GOOGLE", mark), None)


def test_behind_iam_claims_that_can_not_be_read_are_refused(google_behind_iam: GoogleCallers) -> None:
    for claims in ("a.b", ".", "W10.W10", "e30.W10"):
        with pytest.raises(CallerUnknown):
            google_behind_iam.require(f"Bearer {claims}.SIGNATURE_REMOVED_BY_GOOGLE", None)


@pytest.mark.parametrize("other", ["", "Bearer a.b.c"])
def test_a_token_that_cloud_run_did_not_look_at_is_refused(
    google_behind_iam: GoogleCallers, keys: tuple[Key, Key], clock: FakeClock, other: str
) -> None:
    """With X-Serverless-Authorization a caller could have IAM verify one token, and send us another."""
    with pytest.raises(CallerUnknown):
        google_behind_iam.require(as_cloud_run_hands_it_on(keys[0], clock), other)


def test_googles_keys_are_asked_for_as_seldom_as_google_says(
    google: GoogleCallers, keys: tuple[Key, Key], certificates: Certificates, clock: FakeClock
) -> None:
    for _ in range(3):
        google.require(f"Bearer {keys[0].token()}", None)
    assert len(certificates.asked) == 1
    clock.sleep(300)
    google.require(f"Bearer {keys[0].token()}", None)
    assert len(certificates.asked) == 2


def test_a_key_that_google_withdraws_signs_no_longer(
    google: GoogleCallers, keys: tuple[Key, Key], certificates: Certificates, clock: FakeClock
) -> None:
    google.require(f"Bearer {keys[0].token()}", None)
    certificates.keys = {"second": keys[1].certificate}
    clock.sleep(300)
    with pytest.raises(CallerUnknown):
        google.require(f"Bearer {keys[0].token()}", None)


def test_while_googles_keys_can_not_be_had_no_call_is_taken_nor_given_up(
    google: GoogleCallers, keys: tuple[Key, Key], certificates: Certificates
) -> None:
    certificates.status = 500
    with pytest.raises(Unavailable):
        google.require(f"Bearer {keys[0].token()}", None)
    certificates.status = 200
    google.require(f"Bearer {keys[0].token()}", None)


def answer_to(
    authorization: str | None,
    google: GoogleCallers,
    handled: list[Pushed],
    others: Mapping[str, str] | None = None,
) -> Answer:
    headers = [
        *(others or {}).items(),
        *([] if authorization is None else [("Authorization", authorization)]),
    ]
    request = Request(EnvironBuilder(method="POST", data=push(), headers=headers).get_environ())
    return Push("stage", google, PassingTracer(), handled.append).answer(request)


def test_both_headers_of_a_call_are_looked_at(
    google_behind_iam: GoogleCallers, keys: tuple[Key, Key], clock: FakeClock
) -> None:
    handled: list[Pushed] = []
    header = as_cloud_run_hands_it_on(keys[0], clock)
    forged = {"X-Serverless-Authorization": f"Bearer {keys[0].token(email='stranger@example.com')}"}
    assert answer_to(header, google_behind_iam, handled, forged) == REFUSED
    assert handled == []
    assert answer_to(header, google_behind_iam, handled) == DONE
    assert len(handled) == 1


def test_a_push_of_a_stranger_is_not_handled_and_its_token_not_logged(
    google: GoogleCallers, keys: tuple[Key, Key], certificates: Certificates, logged: Logged
) -> None:
    handled: list[Pushed] = []
    stranger = keys[0].token(email="stranger@example.com")
    assert answer_to(f"Bearer {stranger}", google, handled) == REFUSED
    assert answer_to(None, google, handled) == REFUSED
    assert handled == []
    entries = logged()
    assert [entry["severity"] for entry in entries] == ["WARNING", "WARNING"]
    assert stranger.split(".")[2] not in json.dumps(entries)
    assert answer_to(f"Bearer {keys[0].token()}", google, handled) == DONE
    assert len(handled) == 1
    certificates.status = 500


def test_a_push_comes_again_while_its_caller_can_not_be_told(
    google: GoogleCallers, keys: tuple[Key, Key], certificates: Certificates
) -> None:
    certificates.status = 503
    assert answer_to(f"Bearer {keys[0].token()}", google, []) == AGAIN


def test_whose_calls_are_taken_is_what_the_settings_say() -> None:
    """Without an audience, any caller: the local stack's emulator signs nothing."""
    project = {"GOOGLE_CLOUD_PROJECT": "project"}
    assert isinstance(callers(read(project)), Anybody)
    named = project | {"PUSH_AUDIENCE": AUDIENCE, "PUSH_SERVICE_ACCOUNT": ACCOUNT}
    found = callers(read(named, called_by_google=True))
    with pytest.raises(CallerUnknown):
        found.require(None, None)


@pytest.mark.parametrize("checked", [True, False])
def test_whether_iam_has_verified_a_call_is_what_the_settings_say(*, checked: bool) -> None:
    settings = {
        "GOOGLE_CLOUD_PROJECT": "project",
        "K_SERVICE": "deliver",
        "PUSH_AUDIENCE": AUDIENCE,
        "PUSH_SERVICE_ACCOUNT": ACCOUNT,
        "PUSH_CHECKED_BY_IAM": str(checked),
    }
    found = callers(read(settings, called_by_google=True))
    assert isinstance(found, GoogleCallers)
    assert found._behind_iam is checked
