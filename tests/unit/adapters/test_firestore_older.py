"""Fields that the store concludes for documents that older releases wrote, or changed last.

They do not keep ``unreconciled_since``.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from shared.adapters.firestore_documents import job_fields
from shared.adapters.firestore_older import changes, concluded
from tests.fakes.examples import CREATED, transporting

STAGED = transporting()
CLAIMED = STAGED.require_attempt().claimed_at
UNSURE = {"unreconciled_since": CLAIMED, "reconciled": False}


def older(**fields: Any) -> dict[str, Any]:
    stored = job_fields(STAGED) | {"reconciled": True} | fields
    del stored["unreconciled_since"], stored["unreconciled_of"]
    return stored


@pytest.mark.parametrize("went_on", [{"retry": 1}, {"time_resumed": CREATED}])
def test_a_job_that_went_on_may_have_rows_that_nobody_recorded(went_on: dict[str, Any]) -> None:
    """The older release may have asked when the markers of the first stop were gone."""
    assert concluded(older(**went_on)) == UNSURE
    assert concluded(older(**went_on, num_chunks=None)) == {"unreconciled_since": None}


def test_of_a_job_that_never_went_on_the_older_release_knew_all() -> None:
    stored = older()
    for name in ("retry", "time_resumed"):
        del stored[name]
        assert concluded(stored) == {"unreconciled_since": None}


@pytest.mark.parametrize("since", [None, CREATED])
@pytest.mark.parametrize("went_on", [{"retry": 2}, {"time_resumed": CREATED}])
def test_what_is_stored_is_not_concluded_anew(since: datetime | None, went_on: dict[str, Any]) -> None:
    stored = job_fields(replace(STAGED, unreconciled_since=since, **went_on))
    assert concluded(stored) == {}
    del stored["unreconciled_of"]
    assert concluded(stored) == {}, "this field came later than the value that it belongs to"


@pytest.mark.parametrize("since", [None, CREATED])
@pytest.mark.parametrize("went_on", [{"retry": 2}, {"time_resumed": CREATED}])
def test_what_is_stored_is_not_that_of_a_retry_or_resume_by_an_older_release(
    since: datetime | None, went_on: dict[str, Any]
) -> None:
    """An instance of the older release may still run during an upgrade, or run again after a rollback."""
    stored = job_fields(replace(STAGED, unreconciled_since=since, retry=1)) | {"reconciled": True} | went_on
    assert concluded(stored) == UNSURE
    assert concluded(stored | {"num_chunks": None}) == {"unreconciled_since": None}


def test_the_first_change_stores_what_was_concluded() -> None:
    before = job_fields(replace(STAGED, retry=1)) | UNSURE
    after = before | {"num_rows": 7}
    of = {"unreconciled_of": after["unreconciled_of"]}
    assert changes(older(retry=1), before, after) == UNSURE | of | {"num_rows": 7}
    assert changes(before, before, after) == {"num_rows": 7}


def test_the_first_change_stores_what_the_stored_value_belongs_to() -> None:
    before = job_fields(STAGED)
    stored = {name: value for name, value in before.items() if name != "unreconciled_of"}
    of = {"unreconciled_of": before["unreconciled_of"]}
    assert changes(stored, before, before | {"num_rows": 7}) == of | {"num_rows": 7}
