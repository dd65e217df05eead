"""The doctor's backfill: whatever happens to its job, the report is complete and nothing is left."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from requests.exceptions import ConnectionError as NoConnection

from shared.config import read
from shared.operator.doctor import api, backfill
from shared.operator.doctor.backfill import Wanted
from shared.operator.doctor.command import Doctor, status_of
from shared.operator.doctor.google import Google
from shared.operator.doctor.secrecy import Secrecy
from shared.operator.doctor.world import World
from tests.fakes.clock import FakeClock

KEY = "bfk_made-up-key-0123456789"
FAILED = {"status": "failed", "job_id": "J", "error_message": "The export could not be started"}
COMPLETED = {"status": "completed", "job_id": "J", "num_chunks": 1}
RUNNING = {"status": "staging"}


@dataclass(frozen=True)
class Answer:
    status_code: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status_code < 400

    @property
    def text(self) -> str:
        return str(self.body)

    def json(self) -> Any:
        return self.body


@dataclass
class Installation:
    """``jobs``: the answers to the questions for the job; the last one repeats. ``calls``: the calls so far.
    ``removal``: how Kafka refuses to delete a topic.
    """

    jobs: list[Any] = field(default_factory=lambda: [COMPLETED])
    estimates: list[Any] = field(default_factory=lambda: [Answer(200, {"rows": 5})])
    created: list[Any] = field(default_factory=lambda: [Answer(201, {"job_id": "J"})])
    cancelled: Any = field(default_factory=lambda: Answer(200, {}))
    removal: int | None = None
    keys: Callable[[], str] = lambda: "acme"
    calls: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)

    def request(self, method: str, url: str, **given: Any) -> Any:
        assert given["headers"]["X-API-Key"] == KEY
        path = url.partition("/backfills")[2]
        self.calls.append(f"{method} {path}")
        answers = {
            "POST /estimate": self.estimates,
            "POST ": self.created,
            "POST /J/cancel": [self.cancelled],
            "GET /J": self.jobs,
            "GET /J/receipt": [Answer(200, {"unload": {"rows": 5}, "balanced": True})],
        }[self.calls[-1]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Answer(200, answer) if isinstance(answer, dict) else answer

    def delete_topics(self, topics: Sequence[str], **_: Any) -> dict[str, Future[None]]:
        self.topics += topics
        done = Future[None]()
        if self.removal is None:
            done.set_result(None)
        else:
            done.set_exception(KafkaException(KafkaError(self.removal)))
        return {topics[0]: done}

    def look(self) -> tuple[int, dict[str, str]]:
        """Return the doctor's status, and its lines by the check's name."""
        settings = read(
            {
                "GOOGLE_CLOUD_PROJECT": "p",
                "KAFKA_CLIENT": '{"bootstrap.servers": "x:1"}',
                "SNOWFLAKE_CONNECT": '{"account": "x"}',
                "SNOWFLAKE_STAGE": "A.B.C",
                "STAGING_BUCKET": "staging",
            }
        )
        world = World(settings=settings, interfaces=Google("p"), secrecy=Secrecy(), now=self.clock.now)
        wanted = Wanted(start="2026-03-01", end="2026-03-02", url="http://api.example", key=KEY)
        doctor = Doctor(world, ["backfill"], wanted)
        found = doctor.look()
        lines = doctor.lines(found)
        assert KEY not in "\n".join(lines)
        return status_of(found), {
            one.name: next(line for line in lines if f" {one.name} " in line) for one in found
        }


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch) -> Installation:
    one = Installation()
    monkeypatch.setattr("requests.request", one.request)
    monkeypatch.setattr(backfill, "AdminClient", lambda _properties: one)
    monkeypatch.setattr(backfill.Backfill, "_organization", property(lambda _: one.keys()))
    for module in (api, backfill):
        monkeypatch.setattr(module, "time", one.clock)

    class Verified:
        def __init__(self, _settings: Any) -> None:
            pass

        def run(self, *_: Any, **__: Any) -> tuple[int, list[str]]:
            return 0, ["equal"]

    monkeypatch.setattr(backfill, "Verify", Verified)
    return one


def test_a_healthy_job_leaves_nothing(installation: Installation) -> None:
    status, lines = installation.look()
    assert status == 0, lines
    assert list(lines) == [f"backfill.{name}" for name in ("estimate", "job", "receipt", "rows", "removed")]
    (topic,) = installation.topics
    assert topic.startswith("beam.acme.doctor-")
    assert "POST /J/cancel" not in installation.calls


def test_a_job_that_ends_before_its_topic_exists_is_reported(installation: Installation) -> None:
    installation.jobs = [FAILED]
    installation.removal = KafkaError.UNKNOWN_TOPIC_OR_PART
    status, lines = installation.look()
    assert status == 1
    assert "job J failed: The export could not be started" in lines["backfill.job"]
    assert lines["backfill.removed"].startswith("ok ")


def test_a_topic_that_cannot_be_removed_is_named(installation: Installation) -> None:
    installation.removal = KafkaError.TOPIC_AUTHORIZATION_FAILED
    status, lines = installation.look()
    assert status == 1
    (topic,) = installation.topics
    assert f"topic {topic} may be left: Kafka: " in lines["backfill.removed"]
    assert lines["backfill.rows"].startswith("ok ")


def test_a_short_outage_does_not_end_the_wait(installation: Installation) -> None:
    installation.created = [NoConnection("refused"), Answer(201, {"job_id": "J"})]
    installation.jobs = [RUNNING, Answer(503, {"detail": "later"}), NoConnection("reset"), COMPLETED]
    status, lines = installation.look()
    assert status == 0, lines


def test_a_limit_that_passes_is_waited_for_as_long_as_it_asks(installation: Installation) -> None:
    installation.estimates = [Answer(429, {"detail": "busy"}), *installation.estimates]
    installation.created = [Answer(429, {"detail": "busy"}, {"Retry-After": "30"}), *installation.created]
    before = installation.clock.monotonic()
    status, lines = installation.look()
    assert status == 0, lines
    assert installation.clock.monotonic() - before >= 31


def test_at_a_limit_that_does_not_pass_no_job_was_created(installation: Installation) -> None:
    installation.created = [
        Answer(429, {"detail": "Your organization has reached its limit"}, {"Retry-After": "60"})
    ]
    status, lines = installation.look()
    assert status == 4
    assert "answers 429" in lines["backfill.job"]
    assert "no job was created" in lines["backfill.removed"]
    assert installation.topics == []


def test_a_job_is_cancelled_and_its_topic_removed_after_a_long_outage(installation: Installation) -> None:
    installation.jobs = [RUNNING, Answer(503, {"detail": "later"})]
    status, lines = installation.look()
    assert status == 4
    assert "GET http://api.example/…/J answers 503" in lines["backfill.job"]
    assert lines["backfill.removed"].startswith("ok ")
    assert installation.calls[-1] == "POST /J/cancel"
    assert len(installation.topics) == 1


def test_a_job_that_does_not_end_is_cancelled(installation: Installation) -> None:
    installation.jobs = [RUNNING]
    status, lines = installation.look()
    assert status == 4
    assert "job J did not end within 900 s" in lines["backfill.job"]
    assert lines["backfill.removed"].startswith("ok ")
    assert installation.calls[-1] == "POST /J/cancel"


@pytest.mark.parametrize(("answer", "says"), [(409, "the job has ended"), (403, "job J may go on: POST")])
def test_a_cancel_that_is_refused_matters_only_if_the_job_goes_on(
    installation: Installation, answer: int, says: str
) -> None:
    installation.jobs = [RUNNING]
    installation.cancelled = Answer(answer, {"detail": "no"})
    _, lines = installation.look()
    assert says in lines["backfill.removed"]
    assert len(installation.topics) == 1


def test_a_creation_without_an_answer_is_told(installation: Installation) -> None:
    installation.created = [NoConnection("reset")]
    status, lines = installation.look()
    assert status == 1
    assert "the API did not say whether it created the job" in lines["backfill.removed"]
    assert len(installation.topics) == 1


def test_a_creation_that_is_refused_leaves_nothing(installation: Installation) -> None:
    installation.created = [Answer(422, {"detail": "no"})]
    status, lines = installation.look()
    assert status == 4
    assert "no job was created" in lines["backfill.removed"]
    assert installation.topics == []


def test_no_job_is_created_whose_topic_could_not_be_removed(installation: Installation) -> None:
    def down() -> str:
        raise NoConnection("Firestore")

    installation.keys = down
    status, lines = installation.look()
    assert status == 4
    assert "POST " not in installation.calls
    assert "no job was created" in lines["backfill.removed"]


def test_an_interrupted_doctor_cleans_up(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_backfill: Any) -> Any:
        raise KeyboardInterrupt

    installation.jobs = [FAILED]
    monkeypatch.setattr(backfill.Backfill, "_balances", interrupt)
    with pytest.raises(KeyboardInterrupt):
        installation.look()
    assert len(installation.topics) == 1


def test_a_failure_of_cleaning_up_is_a_line_of_the_report(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_kafka: Any) -> None:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    monkeypatch.setattr("shared.operator.doctor.kafka_trial.KafkaTrial.close", fail)
    status, lines = installation.look()
    assert status == 4
    assert lines["kafka.cleanup"].startswith("could not be checked ")
    assert lines["backfill.rows"].startswith("ok ")


@pytest.mark.parametrize("before", range(290, 410, 10))
def test_a_secret_at_the_end_of_a_shortened_text_is_not_printed(
    installation: Installation, before: int
) -> None:
    installation.jobs = [Answer(400, "x" * before + KEY)]
    _, lines = installation.look()
    assert "x" * 290 in lines["backfill.job"]
    assert "bfk_" not in lines["backfill.job"]
    installation.jobs = [RuntimeError("x" * before + KEY)]
    _, lines = installation.look()
    assert "x" * 290 in lines["backfill.job"]
    assert "bfk_" not in lines["backfill.job"]
