"""Errors: each class defines its handling, and the client reads only the message."""

import re
from pathlib import Path

import pytest

from shared.domain import errors
from shared.domain.errors import (
    BackfillError,
    Disposition,
    JobUnknown,
    RequestRefused,
    StateConflict,
    Unavailable,
)
from tests.generated import check_file
from tests.unit import errors_page
from tests.unit.error_classes import below

ALL = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, BackfillError) and value is not BackfillError
]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_knows_what_is_done_with_it(kind: type[BackfillError]) -> None:
    assert isinstance(kind.disposition, Disposition)


def test_the_modules_tree_names_every_error_wherever_it_stands() -> None:
    """Except those that the API itself refuses, which have statuses."""
    named = re.findall(r"─ (\w+)", errors.__doc__ or "")
    assert sorted(named) == sorted(below("BackfillError") - below("WebRefusal"))


def test_every_error_says_what_it_means_and_what_the_operator_does() -> None:
    found = {kind.__name__: errors_page.words(kind) for kind in errors_page.classes()}
    assert found.keys() == below("BackfillError"), "classes that the page would lack"
    assert {name for name, words in found.items() if not all(words)} == set()


def test_the_documentation_lists_the_errors_as_they_are() -> None:
    check_file(Path(errors_page.__file__).parents[2] / "docs" / "errors.md", errors_page.page())


def test_the_operators_detail_is_no_part_of_what_the_client_reads() -> None:
    error = Unavailable("Snowflake", detail="10.1.2.3 refused the connection")
    assert str(error) == error.message == "Snowflake is not available at the moment"
    assert error.detail == "10.1.2.3 refused the connection"
    assert error.dependency == "Snowflake"


def test_refusals_carry_their_http_status() -> None:
    assert issubclass(JobUnknown, RequestRefused)
    assert (JobUnknown("x").status, StateConflict("x").status) == (404, 409)
    assert "'x'" in JobUnknown("x").message
