"""One job for each client's key, in Firestore and in the fake."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

from shared.domain import transitions
from shared.domain.idempotency import KEY_LIFETIME, idempotency
from shared.domain.jobs import Job
from tests.contract.records import Records
from tests.fakes.examples import CREATED, new_job

KEY = idempotency("a key", "a request")


def keyed(**changes: object) -> Job:
    return new_job(**{"idempotency": KEY, **changes})


def test_a_keys_first_job_is_recorded_with_it(records: Records) -> None:
    job = keyed()
    assert records.jobs.create(job, []) is None
    assert records.now(job) == job


def test_the_same_key_again_records_nothing_and_answers_whose_it_is(records: Records) -> None:
    first, second = keyed(), keyed(idempotency=idempotency("a key", "another request"))
    records.jobs.create(first, [])
    assert records.jobs.create(second, ["0x1"]) == first.job_id
    assert records.jobs.get("acme", second.job_id) is None
    assert [job.job_id for job in records.jobs.active()] == [first.job_id]


def test_a_commit_whose_answer_was_lost_is_no_repetition(records: Records) -> None:
    job = keyed()
    records.jobs.create(job, [])
    records.change(job, transitions.confirm)
    assert records.jobs.create(job, []) is None
    assert records.now(job).confirmed


def test_other_keys_and_other_organizations_keys_are_free(records: Records) -> None:
    others = [keyed(idempotency=idempotency("b", "a request")), keyed(organization_id="globex"), new_job()]
    for job in (keyed(), *others):
        assert records.jobs.create(job, []) is None


def test_a_key_is_free_again_after_its_lifetime(records: Records) -> None:
    first = keyed()
    almost = keyed(time_created=CREATED + KEY_LIFETIME - timedelta(microseconds=1))
    later = keyed(time_created=CREATED + KEY_LIFETIME)
    records.jobs.create(first, [])
    assert records.jobs.create(almost, []) == first.job_id
    assert records.jobs.create(later, []) is None
    assert records.jobs.create(keyed(time_created=later.time_created), []) == later.job_id
    assert records.now(first) == first


def test_a_key_is_taken_back_with_its_job(records: Records) -> None:
    first, second = keyed(), keyed()
    records.jobs.create(first, [])
    assert records.jobs.remove_unconfirmed(first)
    assert records.jobs.create(second, []) is None
    assert records.jobs.create(keyed(), []) == second.job_id


def test_a_job_taken_back_late_leaves_the_key_to_the_job_that_has_it_now(records: Records) -> None:
    first, second = keyed(), keyed(time_created=CREATED + KEY_LIFETIME)
    records.jobs.create(first, [])
    records.jobs.create(second, [])
    assert records.jobs.remove_unconfirmed(first)
    assert records.jobs.create(keyed(time_created=second.time_created), []) == second.job_id


def test_of_requests_at_once_with_one_key_one_becomes_a_job(records: Records) -> None:
    for number in range(5):
        jobs = [keyed(idempotency=idempotency(f"key {number}", "a request")) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda job: records.jobs.create(job, []), jobs))
        [first] = [job for job, answer in zip(jobs, answers, strict=True) if answer is None]
        assert answers.count(first.job_id) == 3
        assert [records.jobs.get("acme", job.job_id) is not None for job in jobs].count(True) == 1


def test_requests_at_once_with_one_key_that_has_just_expired_become_one_job(records: Records) -> None:
    records.jobs.create(keyed(), [])
    jobs = [keyed(time_created=CREATED + KEY_LIFETIME) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda job: records.jobs.create(job, []), jobs))
    assert answers.count(None) == 1


def test_a_repeated_request_claims_no_topic(records: Records) -> None:
    """Otherwise the topic would never be removed with the first job."""
    job = records.created(keyed())
    records.jobs.create(keyed(), [])
    [destination] = [each for each in job.destinations if each.type == "kafka"]
    records.topics.ensure(job, destination)
    records.topics.remove(records.change(job, partial(transitions.cancel, now=CREATED)), destination)
    assert records.broker.topics == set()


def test_a_job_keeps_its_key_through_its_life(records: Records) -> None:
    job, _ = records.transporting(job=keyed())
    assert records.now(replace(job)).idempotency == KEY
