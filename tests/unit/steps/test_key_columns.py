"""Which column a destination's keys are taken from."""

from dataclasses import replace

import pytest

from shared.columns import Column, JsonKind
from shared.destination import Destination, Traits
from shared.errors import DestinationRefused
from shared.jobs import Job
from shared.steps.deliver import key_column_of
from tests.fakes.examples import new_job


def choosing(column: str | None) -> Destination:
    return Destination(type="pubsub", name="rows", uid="uid", traits=Traits(key_column=column))


@pytest.fixture
def job() -> Job:
    columns = (Column("UNIQUE_ID", JsonKind.TEXT), Column("TOKEN", JsonKind.TEXT))
    return replace(new_job(), columns=columns, key_column="unique_id")


@pytest.mark.parametrize(("chosen", "column"), [(None, "unique_id"), ("token", "token")])
def test_it_is_the_destinations_own_choice_or_the_tables(job: Job, chosen: str | None, column: str) -> None:
    assert key_column_of(job, choosing(chosen)) == column


def test_a_column_that_the_table_lacks_fails_the_job_by_its_name(job: Job) -> None:
    with pytest.raises(DestinationRefused, match="no column block, which pubsub rows takes its keys from"):
        key_column_of(job, choosing("block"))
