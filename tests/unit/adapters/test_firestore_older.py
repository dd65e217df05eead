"""Fields that the store concludes for documents of older releases, which lack ``unreconciled_since``."""

from typing import Any

import pytest

from shared.adapters.firestore_documents import job_fields
from shared.adapters.firestore_older import changes, concluded
from tests.fakes.examples import CREATED, new_job, transporting

STAGED = transporting()
CLAIMED = STAGED.require_attempt().claimed_at
UNSURE = {"unreconciled_since": CLAIMED, "reconciled": False}


def older(**fields: Any) -> dict[str, Any]:
    stored = job_fields(STAGED) | {"reconciled": True} | fields
    del stored["unreconciled_since"]
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


def test_what_is_stored_is_not_concluded_anew() -> None:
    assert concluded(job_fields(STAGED) | {"retry": 1}) == {}


def test_the_first_change_stores_what_was_concluded() -> None:
    before = job_fields(new_job()) | UNSURE
    after = before | {"num_rows": 7}
    assert changes(older(retry=1), before, after) == UNSURE | {"num_rows": 7}
    assert changes(before, before, after) == {"num_rows": 7}
