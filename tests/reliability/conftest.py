"""A stack for the tests of single faults."""

from collections.abc import Iterator

import pytest

from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The whole stack, with the default sample."""
    with LocalStack(StackOptions(folder=tmp_path_factory.mktemp("stack"))) as stack:
        yield stack
