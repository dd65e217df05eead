"""Traces: the meaning of a `traceparent`, and which one a message carries."""

import pytest

from shared.domain.traces import Trace, current, parent_of_message, parse, working_in

ROOT = Trace("a" * 32, "b" * 16, sampled=True)
CHILD = Trace("a" * 32, "c" * 16, sampled=False)
STRANGER = Trace("d" * 32, "e" * 16, sampled=True)


@pytest.mark.parametrize("trace", [ROOT, CHILD], ids=str)
def test_what_is_written_is_read_back(trace: Trace) -> None:
    assert parse(str(trace)) == trace


def test_a_later_version_with_more_in_it_is_read_as_far_as_it_is_known() -> None:
    assert parse(f"01-{'a' * 32}-{'b' * 16}-01-more") == ROOT


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "nonsense",
        f"ff-{'a' * 32}-{'b' * 16}-01",
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
        f"00-{'A' * 32}-{'b' * 16}-01",
        f"00-{'a' * 31}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'b' * 16}-1",
        f" {ROOT}",
        f"{ROOT}\n",
    ],
)
def test_what_is_not_well_formed_is_no_trace(text: str | None) -> None:
    assert parse(text) is None


def test_the_current_span_is_the_innermost_one() -> None:
    assert current() is None
    with working_in(ROOT), working_in(CHILD):
        assert current() == CHILD
    assert current() is None


def test_a_message_goes_on_where_it_was_published() -> None:
    with working_in(CHILD):
        assert parent_of_message(str(ROOT)) == str(CHILD)


def test_a_message_published_outside_of_its_jobs_tree_hangs_on_the_trees_root() -> None:
    """Published by the sweep, an operator, or a retry's request, which has its own trace."""
    assert parent_of_message(str(ROOT)) == str(ROOT)
    with working_in(STRANGER):
        assert parent_of_message(str(ROOT)) == str(ROOT)


def test_a_job_of_an_older_release_has_no_tree_but_that_of_its_message() -> None:
    assert parent_of_message(None) is None
    with working_in(STRANGER):
        assert parent_of_message(None) == str(STRANGER)
