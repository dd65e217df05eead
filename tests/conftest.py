"""Real parts of the local stack, each started once, when a test first asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.options import StackOptions, from_environment
from infra.local.supervisor import LocalStack

# What takes seconds to start, dearest first. Tests that share one run in one process, so that it is started
# once; the others are spread by file.
_SHARED = (
    "stack",
    "hasty_stack",
    "watched_stack",
    "kafka_bootstrap",
    "firestore_host",
    "gcs_url",
    "pubsub_host",
)
# Terraform's checks share what they made of the configuration.
_INFRA = Path(__file__).parent / "infra"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell pytest-xdist which tests belong together."""
    for item in items:
        fixtures: list[str] = getattr(item, "fixturenames", [])
        alone = "infra" if _INFRA in item.path.parents else str(item.path)
        group = next((name for name in _SHARED if name in fixtures), alone)
        item.add_marker(pytest.mark.xdist_group(group))


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
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of an Apache Kafka broker: KAFKA_BOOTSTRAP's, else one started for the tests."""
    if bootstrap := from_environment().kafka_bootstrap:
        yield bootstrap
        return
    with _part("kafka", tmp_path_factory) as stack:
        yield stack.endpoints["kafka_bootstrap"]


@pytest.fixture(scope="session")
def stack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="session")
def stack(stack_folder: Path) -> Iterator[LocalStack]:
    """The whole stack, with the default sample."""
    with LocalStack(StackOptions(folder=stack_folder)) as stack:
        yield stack
