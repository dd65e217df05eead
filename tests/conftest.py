"""Real parts of the local stack, each started once, when a test first asks for it."""

import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from infra.local.options import StackOptions, from_environment
from infra.local.supervisor import LocalStack
from tests.examples import examples
from tests.fakes.moto_server import moto
from tests.fakes.nats_sinks import nats_server

# Snowflake's connector would else ask the network which cloud this is.
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

# How long one example takes says nothing on a busy machine.
settings.register_profile("patient", deadline=None, max_examples=examples())
settings.load_profile("patient")

# Folders whose tests share parts that take seconds to start: each runs in one process.
_TOGETHER = {"contract", "e2e", "infra", "integration", "reliability"}
# They need none of those parts, or have a stack that no other file has.
_ALONE = {
    f"tests/{folder}/test_{name}.py"
    for folder, names in {
        "e2e": ("console_access", "console_hostile", "console_new", "console_pages", "demo", "toy_kind"),
        "integration": (
            "estimates",
            "function_callers",
            "large_chunks",
            "schemathesis",
            "stack_command",
            "stack_functions",
            "stack_life",
        ),
    }.items()
    for name in names
}
# By a stack that several files share: all other files of their folder share what takes the rest of the time.
_STACKS = {
    f"tests/{folder}/test_{name}.py": stack
    for (folder, stack), names in {
        ("e2e", "hasty"): ("deaths", "messages", "retrying", "sick_receivers", "static_egress", "verify"),
        ("e2e", "watched"): ("canaries", "traces"),
        ("integration", "kafka"): (
            "documented_readers",
            "external_kafka_presence",
            "external_kafka_sink",
            "kafka_at_least_once",
            "kafka_avro",
            "kafka_reconciling",
            "kafka_settling",
            "kafka_sink",
            "kafka_sizes",
            "kafka_topics",
            "large_rows",
        ),
    }.items()
    for name in names
}

# The groups that take longest, though others have more tests. The small ones fill the processes at the end.
_FIRST = (
    "e2e",
    "infra",
    "kafka",
    "integration",
    "hasty",
    "reliability",
    "watched",
    "contract",
    "tests/e2e/test_console_access.py",
    "tests/integration/test_schemathesis.py",
    "tests/e2e/test_demo.py",
)

# Coverage doubles a test's CPU time. These tests alone cover the files that must be covered whole.
_COVER = ("tests/contract/test_api_", "tests/unit/")
_COVER_NOTHING_NEW = (
    "tests/unit/bench/",
    "tests/unit/bootstrap/test_encoder",
    "tests/unit/client/",
    "tests/unit/destinations/",
    "tests/unit/encoding/",
    "tests/unit/steps/test_faults_everywhere",
    "tests/unit/web/",
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measures no coverage of tests that add none, nor of their fixtures.

    The mark no_cover pauses one of the two collectors that pytest-cov starts in a process of xdist's.
    """
    if item.nodeid.startswith(_COVER) and not item.nodeid.startswith(_COVER_NOTHING_NEW):
        return (yield)
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(here)
        threading.settrace(in_threads)


def _group(nodeid: str) -> str:
    """Return the name of the tests that share the same parts, for this test."""
    folder, file = nodeid.split("/")[1], nodeid.partition("::")[0]
    if file in _STACKS:
        return _STACKS[file]
    return folder if folder in _TOGETHER and file not in _ALONE else file


class EndOfGroup:
    """Ends all fixtures after a group's last test. Idle servers would take a sixth of all CPU time."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if nextitem is None or _group(item.nodeid) == _group(nextitem.nodeid):
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        runtestprotocol(item, nextitem=None)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True


def pytest_configure(config: pytest.Config) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:  # only there are a group's tests certainly in a row
        config.pluginmanager.register(EndOfGroup())


class ByPart(LoadScopeScheduling):  # type: ignore[misc]  # it ships no types
    """Spreads the tests so that no part is started twice; what shares none is spread by file."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        for group in reversed(_FIRST):
            if group in self.workqueue:
                self.workqueue.move_to_end(group, last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByPart:
    return ByPart(config, log)


def _part(name: str, tmp_path_factory: pytest.TempPathFactory) -> LocalStack:
    folder = tmp_path_factory.mktemp(name)
    return LocalStack(StackOptions(folder=folder, parts=frozenset({name})))


@pytest.fixture(scope="session")
def firestore_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a Firestore emulator; a project id of its own isolates a test."""
    with _part("firestore", tmp_path_factory) as stack:
        yield stack.endpoints["firestore_host"]


@pytest.fixture(scope="session")
def pubsub_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a Pub/Sub emulator."""
    with _part("pubsub", tmp_path_factory) as stack:
        yield stack.endpoints["pubsub_host"]


@pytest.fixture(scope="session")
def gcs_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a GCS server."""
    with _part("gcs", tmp_path_factory) as stack:
        yield stack.endpoints["gcs_url"]


@pytest.fixture(scope="session")
def sns_url() -> Iterator[str]:
    """URL of a server that answers as Amazon's SNS, SQS and STS do."""
    with moto() as url:
        yield url


@pytest.fixture(scope="session")
def nats_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a NATS server with JetStream."""
    with nats_server(tmp_path_factory.mktemp("nats")) as host:
        yield host


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of an Apache Kafka broker: KAFKA_BOOTSTRAP's, else one started for the tests."""
    if bootstrap := from_environment().kafka_bootstrap:
        yield bootstrap
        return
    with _part("kafka", tmp_path_factory) as stack:
        yield stack.endpoints["kafka_bootstrap"]


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """An Apache Kafka broker whose further listeners ask who comes."""
    folder = tmp_path_factory.mktemp("secure-kafka")
    options = StackOptions(
        folder=folder, parts=frozenset({"kafka"}), destinations=frozenset({"external_kafka"})
    )
    with LocalStack(options) as stack:
        yield stack
