"""The exit status of `verify` tells a difference from everything that is none."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from google.api_core.exceptions import Forbidden, RetryError
from google.auth.exceptions import DefaultCredentialsError

from shared.destinations import KINDS, destination
from shared.destinations.kind import FoundRow, PlaceMissing
from shared.domain.destination import Destination
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable
from shared.domain.jobs import Job
from shared.operator.__main__ import main
from shared.operator.verify import command
from tests.fakes.destinations import kafka
from tests.fakes.examples import KAFKA, WEBHOOK, new_job
from tests.fakes.receipts import FakeReceipts
from tests.unit.steps.world import World

SECOND = kafka("second", "second-uid")
THEIRS = destination(
    type="external_kafka",
    name="theirs",
    uid="theirs-uid",
    bootstrap_servers="k.example.com:9092",
    topic="transfers",
    security_protocol="SSL",
)


class Service:
    """The service's records and topics. ``refusal``: what reading a topic raises, by its name."""

    def __init__(self) -> None:
        self.world = World()
        self.refusals: dict[str, Exception] = {}
        self.lost = 0
        self.most = 13
        self.clusters: dict[str, str | Exception] = {}

    def name_of(self, _organization_id: str, destination: Destination) -> str:
        return destination.name

    def local_name_of(self, _organization_id: str, destination: Destination) -> str:
        return str(destination.options.get("topic", destination.name))

    def owner_of(self, _organization_id: str, destination: Destination) -> str:
        cluster = self.clusters[destination.name]
        if isinstance(cluster, Exception):
            raise cluster
        return cluster

    def rows(self, _organization_id: str, destination: Destination, *_: Any) -> Iterator[FoundRow]:
        if destination.name in self.refusals:
            raise self.refusals[destination.name]
        rows = [FoundRow(None, b"{}", "here", None)] * self.most
        return islice(iter(rows), self.lost, None)

    def completed(self, *destinations: Destination) -> Job:
        job, messages = self.world.staged(new_job(destinations=destinations))
        for message in messages:
            self.world.handle.run(message)
        self.world.queue.taken()
        return job


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "example")
    one = Service()
    receipts = FakeReceipts(one.world.chunks, one.world.deliveries)
    monkeypatch.setattr(command, "firestore_client", lambda _settings: None)
    monkeypatch.setattr(command, "surroundings", lambda _settings: None)
    monkeypatch.setattr(command, "FirestoreJobs", lambda *_: one.world.jobs)
    monkeypatch.setattr(command, "FirestoreListings", lambda *_: one.world.jobs)
    monkeypatch.setattr(command, "FirestoreReceipts", lambda *_: receipts)
    readable = {name: replace(KINDS[name], reader=lambda _: one) for name in ("kafka", "external_kafka")}
    monkeypatch.setattr(command, "KINDS", {**KINDS, **readable})
    return one


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Callable[[Job], tuple[int, str]]:
    def run(job: Job) -> tuple[int, str]:
        status = main(["verify", job.organization_id, job.job_id])
        return status, "".join(capsys.readouterr())

    return run


Verify = Callable[[Job], tuple[int, str]]


def test_equal_rows_are_0_also_beside_what_cannot_be_read(service: Service, verify: Verify) -> None:
    status, told = verify(service.completed(KAFKA, WEBHOOK))
    assert status == 0
    assert "kafka transfers: equal: 13 rows were delivered, 13 were found" in told
    assert "webhook hook: the service cannot read it back" in told


def test_a_difference_is_1_also_beside_what_could_not_be_asked(service: Service, verify: Verify) -> None:
    job = service.completed(KAFKA, SECOND)
    service.lost = 1
    service.refusals["second"] = Unavailable("Kafka")
    assert verify(job)[0] == 1
    service.refusals = {"transfers": Unavailable("Kafka")}
    assert verify(job)[0] == 1


def test_a_topic_that_is_gone_is_a_difference(service: Service, verify: Verify) -> None:
    service.refusals["transfers"] = PlaceMissing("Kafka topic transfers does not exist")
    status, told = verify(service.completed(KAFKA))
    assert status == 1
    assert told == "kafka transfers: Kafka topic transfers does not exist\n"


def test_an_unknown_job_is_2(service: Service, verify: Verify) -> None:
    status, told = verify(new_job())
    assert status == 2
    assert "No backfill job" in told
    assert service.refusals == {}


@pytest.mark.usefixtures("service")
def test_a_missing_setting_is_2(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    assert verify(new_job())[0] == 2


def test_a_job_of_webhooks_is_3(service: Service, verify: Verify) -> None:
    status, told = verify(service.completed(WEBHOOK))
    assert status == 3
    assert "nothing was compared" in told


def test_a_job_without_a_receipt_is_3(service: Service, verify: Verify) -> None:
    status, told = verify(service.world.accept(new_job()))
    assert status == 3
    assert "has no receipt until it is staged" in told


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("Kafka", detail="timed out"),
        DestinationRefused("Kafka does not allow this service to write to topic transfers"),
        Forbidden("no permission"),  # type: ignore[no-untyped-call]
        OSError(28, "No space left on device"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_rows_that_cannot_be_compared_are_4(service: Service, verify: Verify, error: Exception) -> None:
    service.refusals["transfers"] = error
    status, told = verify(service.completed(KAFKA))
    assert status == 4
    assert "kafka transfers: " in told
    assert (error.message if isinstance(error, BackfillError) else str(error)) in told


def test_rows_that_cannot_be_told_apart_are_4(service: Service, verify: Verify) -> None:
    job = service.completed(KAFKA)
    other, messages = service.world.staged(new_job(destinations=(KAFKA,)))
    service.world.deliveries.take(other, messages[0].chunk, KAFKA.uid)
    status, told = verify(job)
    assert status == 4
    assert "kafka transfers: cannot be told apart: 13 rows were delivered" in told
    assert f"  job {other.job_id} is still transporting: verify again after its end\n" in told


def test_a_topic_that_two_destinations_of_the_job_share_has_the_rows_of_both(
    service: Service, verify: Verify
) -> None:
    job = service.completed(KAFKA, THEIRS)
    service.clusters, service.most = {"transfers": "one", "theirs": "one"}, 26
    status, told = verify(job)
    assert status == 0
    assert told == (
        "kafka transfers: equal: 26 rows were delivered, 26 were found; rows of external_kafka theirs are"
        " counted too: it has the same place\n"
        "external_kafka theirs: equal: 26 rows were delivered, 26 were found; rows of kafka"
        " transfers are counted too: it has the same place\n"
    )
    service.lost = 1
    assert verify(job)[0] == 1


def test_topics_of_one_name_on_two_clusters_are_two(service: Service, verify: Verify) -> None:
    job = service.completed(KAFKA, THEIRS)
    service.clusters = {"transfers": "one", "theirs": "another"}
    assert verify(job)[0] == 0


def test_a_cluster_that_does_not_tell_whether_it_is_another_leaves_it_open(
    service: Service, verify: Verify
) -> None:
    job = service.completed(KAFKA, THEIRS)
    service.clusters = {"transfers": "one", "theirs": Unavailable("Kafka", detail="timed out")}
    status, told = verify(job)
    assert status == 4
    assert (
        "kafka transfers: whether external_kafka theirs has the same place could not be found out: Kafka is"
        " not available at the moment (timed out)" in told
    )


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("the job store", detail="503"),
        Forbidden("no permission"),  # type: ignore[no-untyped-call]
        RetryError("too long", None),  # type: ignore[no-untyped-call]
        DefaultCredentialsError("no credentials"),  # type: ignore[no-untyped-call]
    ],
    ids=lambda error: type(error).__name__,
)
def test_records_that_cannot_be_read_are_4(
    service: Service, verify: Verify, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    job = service.completed(KAFKA)
    monkeypatch.setattr(type(service.world.jobs), "get", refuse)
    status, told = verify(job)
    assert status == 4
    assert str(error) in told


def test_the_help_names_every_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["verify", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "Exit status: 0 if everything is equal; 1 if something differs; 2 for wrong usage" in told
    assert "3 if there is nothing to compare" in told
    assert "4 if something did not answer or cannot be told apart" in told
