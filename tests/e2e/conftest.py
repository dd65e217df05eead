"""Stacks for the end-to-end tests, and their clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack
from tests.e2e.support.browser import browser as started
from tests.e2e.support.client import Client
from tests.e2e.support.console import Visit, visit
from tests.e2e.support.tables import Warehouse
from tests.e2e.support.watched import Watched, watched

FUNCTION_SECONDS = 10


@pytest.fixture(scope="package")
def stack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="package")
def stack(stack_folder: Path) -> Iterator[LocalStack]:
    """The whole stack, with the default sample, and what is quick to start of the other destinations."""
    with LocalStack(
        StackOptions(
            folder=stack_folder,
            destinations=frozenset({"external_kafka", "gcs", "nats", "pubsub", "sns"}),
            # The tests of all modules estimate for one organization.
            environment={"ESTIMATES_PER_MINUTE": "100"},
        )
    ) as stack:
        yield stack


@pytest.fixture(scope="package")
def client(stack: LocalStack) -> Client:
    """Return the first organization's client of the shared stack."""
    return Client(stack.endpoints["api_url"], stack.endpoints["api_key"])


@pytest.fixture(scope="package")
def warehouse(stack: LocalStack) -> Warehouse:
    """Return the shared stack's Snowflake."""
    return Warehouse(stack.endpoints)


@pytest.fixture(scope="package")
def hasty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Start a stack with small chunks and short deadlines: a push longer than FUNCTION_SECONDS is aborted and
    repeated.

    It encodes rows in Python; the other stacks encode natively.
    """
    options = StackOptions(
        folder=tmp_path_factory.mktemp("hasty"),
        rows=1000,
        unload_file_bytes=48 * 1024,
        ack_deadline=FUNCTION_SECONDS,
        environment={"UNLOAD_WAIT": "1", "LEASE_LENGTH": "4", "STALL_LIMIT": "15", "ENCODER": "python"},
    )
    with LocalStack(options) as stack:
        yield stack


@pytest.fixture(scope="package")
def hasty_client(hasty_stack: LocalStack) -> Client:
    return Client(hasty_stack.endpoints["api_url"], hasty_stack.endpoints["api_key"])


@pytest.fixture(scope="package")
def hasty_warehouse(hasty_stack: LocalStack) -> Warehouse:
    return Warehouse(hasty_stack.endpoints)


@pytest.fixture(scope="package")
def watched_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Start a stack full of canaries that sends its traces to a collector."""
    with watched(tmp_path_factory.mktemp("watched")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a browser for one module only: while it exists, asyncio has a running loop."""
    with started() as running:
        yield running


@pytest.fixture
def at(browser: Browser) -> Iterator[Visit]:
    """Open the console of a scripted service."""
    with visit(browser) as found:
        yield found
