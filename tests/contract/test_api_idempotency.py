"""The contract's lines on the Idempotency-Key of a create request, over HTTP."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.domain.jobs import Job
from shared.domain.messages import Message
from shared.web.routes import BACKFILLS
from tests.fakes.faults import Killed
from tests.fakes.web import KEY, OTHER_KEY, Service, backfill, webhook, window


@pytest.fixture
def service() -> Service:
    return Service()


def create(service: Service, key: str, body: Any = None, api_key: str = KEY) -> TestResponse:
    body = backfill() if body is None else body
    return service.call("POST", BACKFILLS, api_key, json=body, headers={"Idempotency-Key": key})


def test_the_same_key_and_body_answer_the_first_job_again_with_201(service: Service) -> None:
    first, again = create(service, "march"), create(service, "march")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert first.headers["Location"] == again.headers["Location"]
    assert len(service.jobs.stored) == 1
    assert len(service.queue.waiting) == 1


def test_another_body_with_the_key_is_409_and_makes_no_job(service: Service) -> None:
    create(service, "march")
    answer = create(service, "march", backfill(job_name="April"))
    assert (answer.status_code, list(answer.get_json())) == (409, ["detail"])
    assert "Idempotency-Key" in answer.get_json()["detail"]
    assert len(service.jobs.stored) == 1


@pytest.mark.parametrize(
    "same",
    [
        dict(reversed(backfill().items())),
        backfill(static_egress_ip=False),
        backfill(table="BASE.assets.ERC20_token_transfers"),
        backfill(job_name="  USDC transfers on Base — Mar 2026 "),
        backfill(backfill_window=window(start="2026-03-01T02:00:00+02:00")),
        backfill(destinations=[{"name": "base-usdc-transfers-backfill", "type": "kafka", "delivery": None}]),
    ],
    ids=["order of fields", "default", "case", "blanks", "offset", "null"],
)
def test_a_body_written_another_way_is_the_same_request(service: Service, same: dict[str, Any]) -> None:
    first = create(service, "march")
    assert create(service, "march", same).get_json() == first.get_json()


@pytest.mark.parametrize(
    "other",
    [
        backfill(static_egress_ip=True),
        backfill(filter=None),
        backfill(filter={"column": "token_address", "values": ["0x1"]}),
        backfill(filter={"column": "log_index", "values": [10**37]}),
        backfill(backfill_window=window(start="2026-03-01T00:00:00.000000001")),
        backfill(destinations=[webhook()]),
        backfill(
            destinations=[
                {"type": "kafka", "name": "base-usdc-transfers-backfill", "delivery": "at_least_once"}
            ]
        ),
    ],
)
def test_whatever_differs_in_what_is_asked_for_is_another_request(
    service: Service, other: dict[str, Any]
) -> None:
    create(service, "march")
    body = json.dumps(other)
    headers = {"Idempotency-Key": "march", "Content-Type": "application/json"}
    assert service.call("POST", BACKFILLS, data=body, headers=headers).status_code == 409
    assert create(service, "another", other).status_code == 201


def test_other_keys_and_no_key_are_jobs_of_their_own(service: Service) -> None:
    answers = [create(service, "a"), create(service, "b"), service.create(backfill()), create(service, "A")]
    assert len({answer.get_json()["job_id"] for answer in answers}) == 4


def test_keys_are_an_organizations_own(service: Service) -> None:
    mine, theirs = create(service, "march"), create(service, "march", backfill(job_name="x"), OTHER_KEY)
    assert theirs.status_code == 201
    assert mine.get_json()["job_id"] != theirs.get_json()["job_id"]


def test_after_24_hours_the_key_is_free_again(service: Service) -> None:
    first = create(service, "march").get_json()
    service.time += timedelta(hours=23, minutes=59)
    assert create(service, "march").get_json() == first
    service.time += timedelta(minutes=1)
    assert create(service, "march", backfill(job_name="April")).status_code == 201


def test_the_first_job_is_answered_whatever_has_become_of_it(service: Service) -> None:
    first = create(service, "march").get_json()
    service.call("POST", f"{BACKFILLS}/{first['job_id']}/cancel")
    assert create(service, "march").get_json() == first


def meanwhile(service: Service, act: Callable[[], object]) -> None:
    """Run ``act`` before the next message is published."""

    class Slow:
        def publish(self, job: Job, messages: Iterable[Message]) -> None:
            object.__setattr__(service.api, "publisher", service.queue)
            act()
            service.queue.publish(job, messages)

    object.__setattr__(service.api, "publisher", Slow())


def test_who_asks_again_while_the_first_is_not_accepted_gets_the_first_ones_job(service: Service) -> None:
    seen: list[TestResponse] = []
    meanwhile(service, lambda: seen.append(create(service, "march")))
    first = create(service, "march")
    assert [first.status_code, seen[0].status_code] == [201, 201]
    assert first.get_json() == seen[0].get_json()
    assert len(service.jobs.stored) == 1


def test_who_asks_again_after_the_first_was_interrupted_has_its_job_at_once(service: Service) -> None:
    def die() -> None:
        raise Killed

    meanwhile(service, die)
    with pytest.raises(Killed):
        create(service, "march")
    [interrupted] = [stored.job for stored in service.jobs.stored.values()]
    assert not interrupted.confirmed
    answer = create(service, "march")
    assert (answer.status_code, answer.get_json()["job_id"]) == (201, interrupted.job_id)
    assert [stored.job.confirmed for stored in service.jobs.stored.values()] == [True]
    assert [message.job_id for message in service.queue.waiting] == [interrupted.job_id]


def test_until_the_first_is_accepted_another_body_is_503_with_retry_after(service: Service) -> None:
    """The key may still become free again."""
    seen: list[TestResponse] = []
    meanwhile(service, lambda: seen.append(create(service, "march", backfill(job_name="April"))))
    assert create(service, "march").status_code == 201
    assert seen[0].status_code == 503
    assert int(seen[0].headers["Retry-After"]) > 0


def test_a_job_that_was_taken_back_leaves_the_key_free(service: Service) -> None:
    """The client got 503 and retries, as it should."""
    service.queue.down = True
    assert create(service, "march").status_code == 503
    service.queue.down = False
    assert create(service, "march").status_code == 201
    assert len(service.jobs.stored) == 1


def test_two_requests_at_once_with_one_key_make_one_job(service: Service) -> None:
    for number in range(10):
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda _, key=f"key-{number}": create(service, key), range(2)))
        assert {answer.status_code for answer in answers} <= {201, 503}
        assert create(service, f"key-{number}").status_code == 201
    assert len(service.jobs.stored) == 10


@pytest.mark.parametrize("key", ["!", "~" * 255, "8e03978e-40d5-43e8-bc93-6894a57f9324", 'a"b,c;d='])
def test_a_key_is_1_to_255_visible_ascii_characters(service: Service, key: str) -> None:
    assert create(service, key).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é", "a\tb", "\x7f"])
def test_any_other_key_is_422_naming_the_header(service: Service, key: str) -> None:
    answer = create(service, key)
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.get_json()["detail"]] == [["header", "Idempotency-Key"]]
    assert service.jobs.stored == {}


def test_a_bad_key_is_reported_beside_the_bodys_faults(service: Service) -> None:
    answer = create(service, "a b", backfill(job_name=""))
    locs = [fault["loc"] for fault in answer.get_json()["detail"]]
    assert locs == [["header", "Idempotency-Key"], ["body", "job_name"]]


def test_the_key_itself_is_stored_nowhere(service: Service) -> None:
    create(service, "my-secret-name")
    assert "my-secret-name" not in repr(service.jobs)


def test_other_calls_take_no_notice_of_the_header(service: Service) -> None:
    assert service.call("GET", BACKFILLS, headers={"Idempotency-Key": "a b"}).status_code == 200
