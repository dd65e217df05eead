"""The doctor on the operator's schema registry, which a server on loopback plays."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from shared.config import read
from shared.operator.doctor.checks import Found, State
from shared.operator.doctor.command import Doctor, status_of
from shared.operator.doctor.google import Google
from shared.operator.doctor.secrecy import Secrecy
from shared.operator.doctor.world import World
from tests.fakes.clock import FakeClock
from tests.fakes.google_project import GoogleProject
from tests.fakes.receivers import Receiver, Reply

LOGIN = '{"username": "service", "password": "made-up-words"}'
BASIC = base64.b64encode(b"service:made-up-words").decode()
ALL = {"registry.answers", "registry.credentials", "registry.subjects"}


def found(url: str, login: str = "{}", world: Callable[..., World] = World) -> list[Found]:
    told = {"SCHEMA_REGISTRY_URL": url, "SCHEMA_REGISTRY_CREDENTIALS": login}
    one = Doctor(
        world(
            settings=read({"GOOGLE_CLOUD_PROJECT": "example", **told}),
            interfaces=Google("example"),
            secrecy=Secrecy(),
            now=FakeClock().now,
        ),
        ["registry"],
    )
    results = one.look()
    assert "made-up-words" not in "".join(one.lines(results))
    return results


def asked(reply: Reply, login: str = "{}") -> tuple[list[Found], Receiver]:
    with Receiver(reply) as server:
        return found(f"http://127.0.0.1:{server.port}/api", login), server


@pytest.mark.parametrize(("login", "says"), [("{}", "it asks for none"), (LOGIN, "accepted")])
def test_a_registry_that_lists_its_subjects_is_good(login: str, says: str) -> None:
    subjects = b'["' + b"s" * 100_000 + b'-value", "other"]'
    results, server = asked(Reply(body=subjects), login)
    assert {one.name: one.verdict.state for one in results} == dict.fromkeys(ALL, State.OK)
    assert [one.verdict.says for one in results[1:]] == [says, "2 of them"]
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/api/subjects")
    assert request.headers.get("Authorization") == (None if login == "{}" else f"Basic {BASIC}")


@pytest.mark.parametrize(
    ("reply", "login", "name", "says", "unasked"),
    [
        (Reply(500, body=b"broken"), "{}", "registry.answers", "it answers 500: broken", 2),
        (Reply(401, body=BASIC.encode()), LOGIN, "registry.credentials", "does not accept them: 401: ***", 1),
        (Reply(403), LOGIN, "registry.credentials", "does not accept them", 1),
        (Reply(401), "{}", "registry.credentials", "it asks for some, and none are configured", 1),
        (Reply(404, body=b"<html>"), "{}", "registry.subjects", "not answer with a list of subjects: 404", 0),
        (Reply(302), "{}", "registry.subjects", "not answer with a list of subjects: 302", 0),
        (Reply(body=b"<html>"), "{}", "registry.subjects", "not answer with a list of subjects", 0),
        (Reply(body=b"{}"), "{}", "registry.subjects", "not answer with a list of subjects", 0),
    ],
)
def test_a_planted_fault_is_named_once(reply: Reply, login: str, name: str, says: str, unasked: int) -> None:
    results, server = asked(reply, login)
    (wrong,) = (one for one in results if one.verdict.state is State.WRONG)
    assert wrong.name == name
    assert says in wrong.verdict.says
    assert wrong.hint
    others = [one.verdict for one in results if one.verdict.state is State.UNKNOWN]
    assert [verdict.says for verdict in others] == [f"{name} explains why"] * unasked
    assert len(server.requests) == 1
    assert status_of(results) == 1


def test_a_registry_that_is_not_there_could_not_be_checked() -> None:
    results = found("http://127.0.0.1:1")
    assert {one.name: one.verdict.state for one in results} == dict.fromkeys(ALL, State.UNKNOWN)
    assert status_of(results) == 4


def test_without_a_registry_nothing_is_wrong() -> None:
    (one,) = found("")
    assert (one.name, one.verdict.state) == ("registry.answers", State.OK)
    assert "none is configured" in one.verdict.says


def test_an_installations_registry_is_asked_with_the_stored_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored: dict[str, Any] = {"value": LOGIN}
    monkeypatch.setattr(World, "payload", lambda _self, *_: str(stored["value"]).encode())
    with Receiver(Reply(body=b"[]"), Reply(body=b"[]")) as server:
        installed = GoogleProject(url="http://127.0.0.1:1").installation(
            schema_registry=f"http://127.0.0.1:{server.port}",
            secret_versions={"kafka": "1", "snowflake": "1", "registry": "2"},
        )

        def world(**given: Any) -> World:
            return World(**given, installed=installed)

        assert {one.verdict.state for one in found("", world=world)} == {State.OK}
        assert server.requests[0].headers["Authorization"] == f"Basic {BASIC}"
        stored["value"] = '{"username": "service"}'
        results = found("", world=world)
    assert {one.verdict.state for one in results} == {State.UNKNOWN}
    assert "secrets.registry explains why" in results[0].verdict.says
    assert len(server.requests) == 1
