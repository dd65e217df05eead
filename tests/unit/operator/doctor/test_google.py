"""The doctor on a Google project that a server on loopback plays: healthy, then one fault at a time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.config import read
from shared.operator.doctor.checks import Found, State
from shared.operator.doctor.command import Doctor, status_of
from shared.operator.doctor.expectations import DEAD_LETTERS, EGRESS, REGISTRY_READERS
from shared.operator.doctor.google import Google
from shared.operator.doctor.secrecy import Secrecy
from shared.operator.doctor.world import World
from tests.fakes import google_answers
from tests.fakes import google_names as fake
from tests.fakes.google_answers import bundle, source
from tests.fakes.google_project import GoogleProject, google_project

# Checks of Firestore, Snowflake or Kafka are tested with real ones.
ELSEWHERE = {"firestore.keys", "clock.snowflake"}
AREAS = ("clock", "firestore", "pubsub", "bucket", "secrets", "functions", "egress")
Plant = Callable[[GoogleProject], None]


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def project(private_key: str) -> Iterator[GoogleProject]:
    with google_project(private_key) as found:
        yield found


def doctor(
    project: GoogleProject, *areas: str, ahead: timedelta = timedelta(), **changes: Any
) -> tuple[Doctor, list[Found]]:
    """The doctor, and what it finds in the project. It carries out only the checks that ask Google.

    ``changes``: what Terraform says otherwise.
    """
    world = World(
        settings=read({"GOOGLE_CLOUD_PROJECT": fake.PROJECT}),
        interfaces=Google(fake.PROJECT, project.url),
        secrecy=Secrecy(),
        now=lambda: datetime.now(UTC) + ahead,
        installed=project.installation(**changes),
    )
    one = Doctor(world, areas)
    checks = {
        area: [check for check in checks if check.name not in ELSEWHERE]
        for area, checks in one.checks().items()
    }
    return one, one.look(checks)


def test_all_is_well_in_a_project_as_terraform_makes_it(project: GoogleProject) -> None:
    one, found = doctor(project, *AREAS)
    assert {each.name: each.verdict for each in found if each.verdict.state is not State.OK} == {}
    assert len(found) >= 45
    assert status_of(found) == 0
    assert f"{len(found)} checks: {len(found)} ok" in one.lines(found)[-1]


def put(path: str, *keys: Any, value: Any) -> Plant:
    """Replace the value at ``keys`` in an answer."""

    def plant(project: GoogleProject) -> None:
        at = project.answers[path]
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return plant


def whole(path: str, value: Any) -> Plant:
    """Replace an answer; a number is a status."""
    return lambda project: project.answers.update({path: value})


def nobody(path: str) -> Plant:
    return whole(path, {})


def secret(name: str, version: str, value: Any) -> Plant:
    return lambda project: project.payload(name, version, value)


STAGE, SERVICE = fake.subscription("backfills-stage"), "serviceConfig"
BUCKET, POLICY = f"/storage/v1/b/{fake.BUCKET}", f"/storage/v1/b/{fake.BUCKET}/iam"
FIELDS = f"{fake.GROUPS}/fields"
ROUTER = f"{fake.COMPUTE}/routers/{EGRESS}"
SNOWFLAKE = dict.fromkeys(("account", "user", "role", "warehouse"), "BACKFILLS")
FAULTS: list[tuple[str, str, Plant]] = [
    ("firestore.database", "in eur3 instead of nam5", put(fake.DATABASE, "locationId", value="eur3")),
    ("firestore.recovery", "is off", put(fake.DATABASE, "pointInTimeRecoveryEnablement", value=2)),
    ("firestore.protection", "not protected", put(fake.DATABASE, "deleteProtectionState", value=1)),
    (
        "firestore.indexes",
        "deliveries by destination, state, rows: CREATING",
        put(f"{fake.GROUPS}/indexes", "indexes", 0, "state", value="CREATING"),
    ),
    ("firestore.indexes", "missing", put(f"{fake.GROUPS}/indexes", "indexes", value=[])),
    (
        "firestore.fields",
        "chunks.delivered: no index of the scope COLLECTION",
        put(FIELDS, "fields", 10, "indexConfig", value={}),
    ),
    (
        "firestore.unindexed",
        "chunks: its fields are indexed",
        put(FIELDS, "fields", 0, "indexConfig", value={"indexes": [{"queryScope": "COLLECTION"}]}),
    ),
    ("firestore.expiry", "STATE_UNSPECIFIED", put(FIELDS, "fields", -1, "ttlConfig", value={})),
    ("firestore.backups", "no daily backup", nobody(f"{fake.DATABASE}/backupSchedules")),
    (
        "firestore.backups",
        "for 7 days only",
        put(f"{fake.DATABASE}/backupSchedules", "backupSchedules", 0, "retention", value="604800s"),
    ),
    ("pubsub.topics", "backfills-chunks is missing", whole(fake.topic("backfills-chunks"), 404)),
    (
        "pubsub.subscriptions",
        "backfills-stage belongs to",
        put(STAGE, "topic", value="projects/x/topics/other"),
    ),
    ("pubsub.ack-deadline", "backfills-stage: 10 s", put(STAGE, "ackDeadlineSeconds", value=10)),
    ("pubsub.backoff", "backfills-stage", put(STAGE, "retryPolicy", value={})),
    ("pubsub.dead-letter", "dead letters go to nowhere", put(STAGE, "deadLetterPolicy", value={})),
    (
        "pubsub.dead-letter",
        "after 5 attempts",
        put(STAGE, "deadLetterPolicy", "maxDeliveryAttempts", value=5),
    ),
    ("pubsub.retention", "backfills-stage", put(STAGE, "retainAckedMessages", value=False)),
    ("pubsub.expiry", "expires when it is idle", put(STAGE, "expirationPolicy", value={"ttl": "86400s"})),
    ("pubsub.delivery", "filtered", put(STAGE, "filter", value='attributes.kind = "a"')),
    ("pubsub.endpoint", "nowhere", put(STAGE, "pushConfig", "pushEndpoint", value="")),
    ("pubsub.identity", "as nobody", put(STAGE, "pushConfig", "oidcToken", "serviceAccountEmail", value="")),
    (
        "pubsub.publishers",
        "backfills-stage@example.iam.gserviceaccount.com may not publish",
        nobody(f"{fake.topic('backfills-chunks')}:getIamPolicy"),
    ),
    ("pubsub.dead-letter-rights", "may not publish", nobody(f"{fake.topic(DEAD_LETTERS)}:getIamPolicy")),
    ("pubsub.dead-letter-rights", "may not acknowledge on backfills-stage", nobody(f"{STAGE}:getIamPolicy")),
    ("bucket.region", "in EU instead of us-central1", put(BUCKET, "location", value="EU")),
    ("bucket.lifecycle", "Delete is done never", put(BUCKET, "lifecycle", value={})),
    ("bucket.soft-delete", "604800 s more", put(BUCKET, "softDeletePolicy", value=fake.SOFT_DELETED)),
    (
        "bucket.access",
        "public access is not prevented",
        put(BUCKET, "iamConfiguration", "publicAccessPrevention", value="inherited"),
    ),
    ("bucket.deliver", "may not read", put(POLICY, "bindings", 0, "members", value=[])),
    ("bucket.stage", "may not list and remove", put(POLICY, "bindings", 1, "members", value=[])),
    ("bucket.snowflake", "may not write", put(POLICY, "bindings", 2, "members", value=[])),
    (
        "secrets.kafka",
        "PLAINTEXT is not encrypted",
        secret("backfills-kafka", "1", fake.KAFKA | {"security.protocol": "PLAINTEXT"}),
    ),
    ("secrets.kafka", "is not JSON", secret("backfills-kafka", "1", b"{")),
    ("secrets.snowflake", "private_key is missing", secret("backfills-snowflake", "1", SNOWFLAKE)),
    (
        "secrets.snowflake",
        "not a private key in PEM",
        secret("backfills-snowflake", "1", SNOWFLAKE | {"private_key": "made-up"}),
    ),
    (
        "secrets.readers",
        "backfills-sweep@example.iam.gserviceaccount.com may not read it",
        nobody(f"{fake.secret('backfills-snowflake')}:getIamPolicy"),
    ),
    ("secrets.organizations", "a line break", secret("beam-acme-KEY", "latest", b"made-up-key\n")),
    ("functions.deployed", "stage is FAILED", put(fake.function("stage"), "state", value="FAILED")),
    (
        "functions.versions",
        "sweep differs in shared/config.py",
        whole(source("sweep"), bundle("sweep", "shared/config.py")),
    ),
    (
        "functions.limits",
        "deliver: maxInstanceRequestConcurrency is 80 instead of 1",
        put(fake.function("deliver"), SERVICE, "maxInstanceRequestConcurrency", value=80),
    ),
    (
        "functions.ingress",
        "sweep: ALLOW_ALL instead of ALLOW_INTERNAL_ONLY",
        put(fake.function("sweep"), SERVICE, "ingressSettings", value="ALLOW_ALL"),
    ),
    (
        "functions.accounts",
        "api runs as default@",
        put(fake.function("api"), SERVICE, "serviceAccountEmail", value="default@example.com"),
    ),
    (
        "functions.audience",
        "sweep: PUSH_AUDIENCE is None",
        put(fake.function("sweep"), SERVICE, "environmentVariables", value={}),
    ),
    (
        "functions.secrets",
        "deliver: KAFKA_CLIENT has None",
        put(fake.function("deliver"), SERVICE, "secretEnvironmentVariables", value=[]),
    ),
    (
        "functions.callers",
        "deliver: allUsers may call it",
        put(fake.service("deliver"), "bindings", 0, "members", value=["allUsers"]),
    ),
    ("functions.closed", "deliver answers 200", whole("/functions/deliver", {})),
    ("functions.api", "a wrong key is answered 500", whole("/functions/api/api/v1/beam/backfills", 500)),
    ("functions.sweep", "it is PAUSED", put(fake.SCHEDULE, "state", value="PAUSED")),
    ("functions.sweep", "the schedule is missing", whole(fake.SCHEDULE, 404)),
    (
        "egress.addresses",
        "192.0.2.1 is RESERVED",
        put(f"{fake.COMPUTE}/addresses/{EGRESS}-0", "status", value="RESERVED"),
    ),
    (
        "egress.nat",
        "addresses that receivers do not know",
        put(ROUTER, "nats", 0, "natIpAllocateOption", value="AUTO_ONLY"),
    ),
    ("egress.connector", "the connector is ERROR", put(fake.CONNECTOR, "state", value="ERROR")),
    (
        "egress.connector",
        "deliver-static does not use it",
        put(fake.function("deliver-static"), "serviceConfig", "vpcConnector", value=""),
    ),
    (
        "egress.connector",
        "deliver-static uses it for private addresses only",
        put(fake.function("deliver-static"), "serviceConfig", "vpcConnectorEgressSettings", value="PRIVATE"),
    ),
]


@pytest.mark.parametrize(
    ("name", "says", "plant"), FAULTS, ids=[f"{name}: {says}" for name, says, _ in FAULTS]
)
def test_a_planted_fault_is_named_with_what_mends_it(
    project: GoogleProject, name: str, says: str, plant: Plant
) -> None:
    plant(project)
    one, found = doctor(project, name.partition(".")[0])
    wrong = {each.name: each for each in found if each.verdict.state is not State.OK}
    assert wrong.keys() == {name}
    assert wrong[name].verdict.state is State.WRONG
    assert says in wrong[name].verdict.says
    lines = one.lines(found)
    (at,) = (number for number, line in enumerate(lines) if f" {name} " in line)
    assert lines[at].startswith("wrong ")
    assert lines[at + 1].strip() == f"fix: {wrong[name].hint}"
    assert status_of(found) == 1


@pytest.mark.parametrize(
    ("name", "plant"),
    [
        ("functions.api", whole("/functions/api/health", 429)),
        ("functions.closed", whole("/functions/deliver", 429)),
    ],
    ids=["the API", "a private function"],
)
def test_a_function_without_a_free_instance_is_no_fault(
    project: GoogleProject, monkeypatch: pytest.MonkeyPatch, name: str, plant: Plant
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    plant(project)
    _, found = doctor(project, "functions")
    (busy,) = [each for each in found if each.verdict.state is not State.OK]
    assert (busy.name, busy.verdict.state) == (name, State.UNKNOWN)
    assert "is busy: it answers 429" in busy.verdict.says
    assert 3 <= sum(one for one in pauses if one >= 1) <= 120


def test_a_clock_that_is_off_is_named(project: GoogleProject) -> None:
    for ahead, says in ((90, "90 s ahead"), (-90, "90 s behind")):
        _, (found,) = doctor(project, "clock", ahead=timedelta(seconds=ahead))
        assert found.verdict.state is State.WRONG
        assert abs(int(found.verdict.says.split()[-3]) - 90) <= 5, says
        assert found.verdict.says.endswith(says.split()[-1])


VERSIONS = {"kafka": "1", "snowflake": "1", "registry": "2"}
STORED = fake.secret("backfills-registry")
LOGIN = {"username": "service", "password": "made-up-words"}


def with_registry(project: GoogleProject) -> None:
    """Make the project one whose schema registry wants credentials."""
    project.payload("backfills-registry", "2", LOGIN)
    granted = {"roles/secretmanager.secretAccessor": google_answers.members(REGISTRY_READERS)}
    project.answers[f"{STORED}:getIamPolicy"] = google_answers.policy(granted)
    for name in REGISTRY_READERS:
        project.answers[fake.function(name)][SERVICE]["secretEnvironmentVariables"].append(
            {"key": "SCHEMA_REGISTRY_CREDENTIALS", "secret": "backfills-registry", "version": "2"}
        )


@pytest.mark.parametrize(
    ("name", "says", "plant"),
    [
        ("secrets.registry", "has no version 2", whole(f"{STORED}/versions/2:access", 404)),
        ("secrets.registry", "must have username", secret("backfills-registry", "2", {"username": "a"})),
        (
            "secrets.readers",
            "backfills-stage@example.iam.gserviceaccount.com may not",
            nobody(f"{STORED}:getIamPolicy"),
        ),
        (
            "functions.secrets",
            "stage: SCHEMA_REGISTRY_CREDENTIALS has None instead of ('backfills-registry', '2')",
            put(fake.function("stage"), SERVICE, "secretEnvironmentVariables", -1, value={}),
        ),
    ],
)
def test_a_schema_registrys_secret_is_checked_where_there_is_one(
    project: GoogleProject, name: str, says: str, plant: Plant
) -> None:
    with_registry(project)
    _, found = doctor(project, "secrets", "functions", secret_versions=VERSIONS)
    assert {each.name for each in found if each.verdict.state is not State.OK} == set()
    assert "secrets.registry" in {each.name for each in found}
    plant(project)
    one, found = doctor(project, "secrets", "functions", secret_versions=VERSIONS)
    (wrong,) = (each for each in found if each.verdict.state is not State.OK)
    assert (wrong.name, wrong.verdict.state) == (name, State.WRONG)
    assert says in wrong.verdict.says
    assert "made-up-words" not in "\n".join(one.lines(found))


def test_every_check_of_googles_side_has_a_planted_fault(project: GoogleProject) -> None:
    _, found = doctor(project, *AREAS)
    assert {each.name for each in found} == {name for name, _, _ in FAULTS} | {"clock.google"}


def test_what_may_not_be_asked_is_not_taken_for_good(project: GoogleProject) -> None:
    whole(fake.service("deliver"), 403)(project)
    one, found = doctor(project, "functions")
    (unknown,) = (each for each in found if each.verdict.state is not State.OK)
    assert (unknown.name, unknown.verdict.state) == ("functions.callers", State.UNKNOWN)
    assert "a permission is missing" in unknown.verdict.says
    assert any(line.startswith("could not be checked    functions.callers") for line in one.lines(found))
    assert status_of(found) == 4


def test_a_secret_is_never_printed(project: GoogleProject) -> None:
    secret("beam-acme-KEY", "latest", b"hush-hush-key\n")(project)
    secret("backfills-kafka", "1", fake.KAFKA | {"security.protocol": "made-up-password"})(project)
    one, found = doctor(project, "secrets")
    assert status_of(found) == 1
    text = "\n".join(one.lines(found))
    assert "hush-hush" not in text
    assert "made-up-password" not in text


@pytest.mark.parametrize("account", ["", "other@example.iam.gserviceaccount.com"])
def test_an_account_of_snowflakes_that_terraform_was_not_told_is_named(
    project: GoogleProject, account: str
) -> None:
    _, found = doctor(project, "bucket", storage_account=account)
    assert [each.name for each in found if each.verdict.state is State.WRONG] == ["bucket.snowflake"]
