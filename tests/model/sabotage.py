"""Faults inserted into the product on purpose, each of which the model must find."""

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from shared.domain import transitions
from shared.domain.chunks import Chunk
from shared.domain.destination import Destination
from shared.domain.errors import Busy, LeftToOthers, StaleMessage, StateConflict
from shared.domain.jobs import Counts, Job, JobStatus
from shared.domain.messages import NONE_LEFT, DeliverChunk, Message, StageJob
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.steps import accept
from shared.steps.deliver import Deliver
from shared.steps.find import find_for_message
from shared.steps.finish import Finish
from shared.steps.pass_on import PassOn
from shared.steps.ports import Publisher
from shared.steps.records import Jobs
from shared.steps.stage import Stage
from shared.steps.tear_down import TearDown
from tests.fakes.chunks import FakeChunks
from tests.fakes.deliveries import FakeDeliveries, FakeLease
from tests.model.kafka import Kafka
from tests.model.pulses import DrivenPulse
from tests.model.running import run_model
from tests.model.topics import RecordedTopics

Patch = pytest.MonkeyPatch
MOST_STEPS = 200_000


def count_down_without_a_marker(patch: Patch) -> None:
    def count_down(self: FakeChunks, job: Job, chunk: Chunk) -> bool:
        shards = self._shards[job.organization_id, job.job_id]
        left = shards[0]
        shards[0] = Counts(left.chunks_left - 1, left.rows_left - chunk.rows)
        self._of(job)[chunk.number] = replace(chunk, delivered=True)
        self._set(self._jobs.stored[job.organization_id, job.job_id], shards)
        return shards[0].chunks_left == 0

    patch.setattr(FakeChunks, "count_down", count_down)


def give_out_leases_that_are_held(patch: Patch) -> None:
    take = FakeDeliveries.take

    def taken(self: FakeDeliveries, job: Job, chunk: int, uid: str) -> FakeLease | None:
        for place, record in self.records.items():
            if place[1] == job.job_id and place[3:] == (chunk, uid) and record.state == "leased":
                record.state = "released"
        return take(self, job, chunk, uid)

    patch.setattr(FakeDeliveries, "take", taken)


def finish_without_looking_at_the_counts(patch: Patch) -> None:
    def if_all_delivered(self: Finish, job: Job) -> Job:
        if job.status is not JobStatus.TRANSPORTING:
            return job
        return self.jobs.change(
            job.organization_id, job.job_id, partial(transitions.complete, now=self.now())
        )

    patch.setattr(Finish, "if_all_delivered", if_all_delivered)


def publish_chunks_before_the_commit(patch: Patch) -> None:
    commit = Stage._commit

    def publish_first(self: Stage, job: Job, query_id: str) -> Job:
        attempt_id = job.require_attempt().attempt_id
        self.publisher.publish(
            job,
            (
                DeliverChunk(job.organization_id, job.job_id, attempt_id, job.retry, number)
                for number, _ in enumerate(self.unloads.files(query_id))
            ),
        )
        return commit(self, job, query_id)

    patch.setattr(Stage, "_commit", publish_first)
    patch.setattr(Stage, "_open_lanes", lambda _self, _job: None)


def pass_on_only_once(patch: Patch) -> None:
    patch.setattr(PassOn, "after_all", lambda _self, _job, _message: None)


def deliver_what_is_paused(patch: Patch) -> None:
    patch.setattr(Job, "paused", False)


def acknowledge_what_somebody_else_is_at(patch: Patch) -> None:
    run = Deliver.run

    def acknowledging(self: Deliver, message: DeliverChunk) -> None:
        try:
            run(self, message)
        except Busy as busy:
            raise LeftToOthers(busy.message) from busy

    patch.setattr(Deliver, "run", acknowledging)


def send_to_kafka_without_looking_for_the_marker(patch: Patch) -> None:
    patch.setattr(Kafka, "committed", lambda _self, _topic, _name: False)


def look_for_the_marker_without_fencing(patch: Patch) -> None:
    fence = Kafka.fence

    def fence_first_only(self: Kafka, name: str) -> int:
        return self.transactions[name].epoch if name in self.transactions else fence(self, name)

    patch.setattr(Kafka, "fence", fence_first_only)


def remove_topics_whoever_names_them(patch: Patch) -> None:
    def remove(self: RecordedTopics, job: Job, destination: Destination) -> None:
        self.broker.delete(f"beam.{job.organization_id}.{destination.name}", math.inf)

    patch.setattr(RecordedTopics, "remove", remove)


def remove_topics_however_late(patch: Patch) -> None:
    patch.setattr("tests.model.topics.BEGINS_WITHIN", math.inf)


def check_point_a_batch_too_far(patch: Patch) -> None:
    def checkpoint(
        self: DrivenPulse, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        self.lease.checkpoint(next_batch + 1, skipped, splits)

    patch.setattr(DrivenPulse, "checkpoint", checkpoint)


def cancel_what_has_ended(patch: Patch) -> None:
    cancel = transitions.cancel

    def cancel_anyway(job: Job, now: Any) -> Job:
        with suppress(StateConflict):
            return cancel(job, now)
        return replace(job, status=JobStatus.CANCELLED, time_completed=now, error_message=None)

    patch.setattr(transitions, "cancel", cancel_anyway)


def fail_whatever_the_retry(patch: Patch) -> None:
    fail = transitions.fail

    def fail_anyway(job: Job, message: str, now: Any, *, retry: int) -> Job:
        return fail(job, message, now, retry=max(job.retry, retry))

    patch.setattr("shared.steps.finish.fail", fail_anyway)


def cancel_without_looking_at_the_counts(patch: Patch) -> None:
    class Blind(Finish):
        def if_all_delivered(self, job: Job) -> Job:
            return job

    patch.setattr("shared.steps.cancel.Finish", Blind)


def stage_jobs_before_they_are_confirmed(patch: Patch) -> None:
    def find(self: Stage, message: StageJob) -> Job:
        return find_for_message(message.organization_id, message.job_id, jobs=self.jobs)

    patch.setattr(Stage, "_confirmed", find)


def answer_the_first_job_of_a_key_unaccepted(patch: Patch) -> None:
    found = accept._of_this_key

    def as_it_is(job: Job, first: str, jobs: Jobs) -> Job:
        return transitions.confirm(found(job, first, jobs))

    patch.setattr(accept, "_of_this_key", as_it_is)


def leave_queries_running(patch: Patch) -> None:
    patch.setattr(TearDown, "_end_query", lambda _self, _job: None)


def deliver_whatever_the_jobs_state(patch: Patch) -> None:
    run = Deliver.run

    def delivering(self: Deliver, message: DeliverChunk) -> None:
        try:
            run(self, message)
        except StaleMessage as stale:
            job = self.jobs.get(message.organization_id, message.job_id)
            chunk = self.chunks.get(job, message.chunk) if job and job.num_chunks else None
            if job is None or chunk is None or chunk.delivered or "attempt" in stale.message:
                raise
            self._send_to_all(job, chunk, self.monotonic() + self.time_limit)

    patch.setattr(Deliver, "run", delivering)


def forget_the_rest_of_a_delivery(patch: Patch) -> None:
    send = Deliver._send_to_all

    def sent(self: Deliver, job: Job, chunk: Chunk, deadline: float) -> bool:
        with suppress(Busy):
            return send(self, job, chunk, deadline)
        return True

    patch.setattr(Deliver, "_send_to_all", sent)


def forget_chunks_left_behind(patch: Patch) -> None:
    leave = PassOn.leave

    def left(self: PassOn, job: Job, message: DeliverChunk) -> bool:
        forgetful = replace(self, publisher=_Forgetful(self.publisher))
        return leave(forgetful, job, message)

    patch.setattr(PassOn, "leave", left)


class _Forgetful:
    """Publishes messages that carry no chunk left behind."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def publish(self, job: Job, messages: Iterable[Message]) -> None:
        kept = [replace(one, left=NONE_LEFT) if isinstance(one, DeliverChunk) else one for one in messages]
        self._publisher.publish(job, kept)


QUICK: tuple[Callable[[Patch], None], ...] = (
    give_out_leases_that_are_held,
    finish_without_looking_at_the_counts,
    acknowledge_what_somebody_else_is_at,
    remove_topics_whoever_names_them,
    cancel_what_has_ended,
    leave_queries_running,
    stage_jobs_before_they_are_confirmed,
    answer_the_first_job_of_a_key_unaccepted,
    forget_the_rest_of_a_delivery,
    check_point_a_batch_too_far,
)
"""Found within a second or two; the others need rarer races."""
SABOTAGES = (
    *QUICK,
    count_down_without_a_marker,
    cancel_without_looking_at_the_counts,
    fail_whatever_the_retry,
    publish_chunks_before_the_commit,
    send_to_kafka_without_looking_for_the_marker,
    look_for_the_marker_without_fencing,
    deliver_whatever_the_jobs_state,
    remove_topics_however_late,
    pass_on_only_once,
    deliver_what_is_paused,
    forget_chunks_left_behind,
)


def found(number: int) -> bool:
    """Return whether the model finds the sabotage with that number, within a few thousand steps."""
    with pytest.MonkeyPatch.context() as patch:
        SABOTAGES[number](patch)
        try:
            run_model(steps=MOST_STEPS, first_seed=1, shrink=False)
        except AssertionError:
            return True
    return False
