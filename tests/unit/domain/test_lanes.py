"""A job's number of lanes, and the chunks in them."""

from dataclasses import replace
from functools import partial

import pytest

from shared.domain import lanes, transitions
from shared.domain.chunks import Chunk, number_files
from shared.domain.errors import StaleMessage
from shared.domain.jobs import Job
from tests.fakes.examples import CREATED, new_job, staged_files, transporting

TEN = transporting(chunks=10)


def numbered(*numbers: int) -> list[Chunk]:
    files = number_files(staged_files(max(numbers, default=0) + 1))
    return [files[number] for number in numbers]


@pytest.mark.parametrize(
    ("in_flight", "jobs", "asked", "share"),
    [
        (64, 1, None, 64),
        (64, 0, None, 64),  # its own record has not been read yet
        (64, 10, None, 6),
        (64, 65, None, 1),
        (64, 1, 3, 3),
        (64, 32, 3, 2),
    ],
)
def test_jobs_share_what_may_be_in_flight(in_flight: int, jobs: int, asked: int | None, share: int) -> None:
    assert lanes.share(in_flight, jobs, asked) == share


@pytest.mark.parametrize(
    ("has", "share", "left", "worth"),
    [
        (64, 33, 100, False),
        (64, 32, 100, True),
        (6, 12, 100, True),
        (6, 6, 100, False),
        (64, 8, 8, False),
        (64, 8, 15, False),
        (8, 64, 8, False),
        (8, 64, 16, True),
    ],
)
def test_lanes_are_opened_anew_for_twice_or_half_of_them(
    has: int, share: int, left: int, *, worth: bool
) -> None:
    assert lanes.worth_reopening(replace(TEN, lanes=has), share, left) is worth


def test_each_opening_has_a_number_of_its_own() -> None:
    once = lanes.open_lanes(TEN, 4, retry=0)
    again = lanes.open_lanes(once, 2, retry=0)
    assert [(job.lanes, job.opening) for job in (TEN, once, again)] == [(0, 0), (4, 1), (2, 2)]
    assert lanes.goes_on(again, 2)
    assert not lanes.goes_on(again, 1)


@pytest.mark.parametrize(
    "job",
    [
        new_job(),
        transitions.cancel(TEN, CREATED),
        transitions.pause(TEN, CREATED),
        transitions.retry(transitions.fail(TEN, "why", CREATED, retry=0), CREATED, after=0),
    ],
    ids=["staging", "cancelled", "paused", "retried"],
)
def test_no_lane_is_opened_for_whom_nothing_is_to_be_delivered(job: Job) -> None:
    with pytest.raises(StaleMessage):
        lanes.open_lanes(job, 4, retry=0)


@pytest.mark.parametrize(
    "change",
    [
        partial(transitions.pause, now=CREATED),
        partial(transitions.cancel, now=CREATED),
        partial(transitions.complete, now=CREATED),
        partial(transitions.fail, message="why", now=CREATED, retry=0),
    ],
)
def test_a_pause_and_every_end_close_the_lanes(change: partial[Job]) -> None:
    closed = change(lanes.open_lanes(TEN, 4, retry=0))
    assert closed.lanes == 0
    assert not lanes.goes_on(closed, 1)


def test_jobs_of_releases_without_lanes_set_nothing_going() -> None:
    assert not lanes.goes_on(TEN, 0)


def test_the_first_of_each_lane_is_published() -> None:
    assert list(lanes.fronts(numbered(0, 1, 2, 3, 4), 3)) == numbered(0, 1, 2)
    assert list(lanes.fronts(numbered(1, 4, 5, 7, 9), 3)) == numbered(1, 5, 9)
    assert list(lanes.fronts([], 3)) == []


def test_no_more_is_read_than_it_takes_to_find_them() -> None:
    chunks = iter(numbered(*range(10)))
    assert list(lanes.fronts(chunks, 3)) == numbered(0, 1, 2)
    assert next(chunks) == numbered(3)[0]


def test_a_lane_ends_where_the_job_does() -> None:
    job = lanes.open_lanes(TEN, 4, retry=0)
    assert [list(lanes.rest_of_lane(job, chunk)) for chunk in (0, 3, 6, 9)] == [[4, 8], [7], [], []]
    assert list(lanes.rest_of_lane(new_job(lanes=4), 0)) == []


def test_every_chunk_is_in_exactly_one_lane() -> None:
    job = lanes.open_lanes(TEN, 4, retry=0)
    fronts = lanes.fronts(numbered(*range(10)), 4)
    found = [[front.number, *lanes.rest_of_lane(job, front.number)] for front in fronts]
    assert sorted(number for lane in found for number in lane) == list(range(10))


def test_a_chunk_is_not_reached_while_the_one_before_it_is_undelivered() -> None:
    assert lanes.not_yet_reached(numbered(3, 4, 7, 8, 9, 11), 4) == numbered(7, 8, 11)
    assert lanes.not_yet_reached(numbered(4, 5, 6, 7), 4) == []
