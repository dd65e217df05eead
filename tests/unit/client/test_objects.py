"""What a user does with clients, errors and answers besides calling the service."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

import backfills
from backfills import (
    AsyncClient,
    Client,
    Destination,
    Invalid,
    Job,
    LimitReached,
    OutOfReach,
    Refused,
    Window,
)
from tests.unit.client.service import JOB_ID, Asked, Says, job, service, serving


def test_a_client_shows_its_service_and_not_its_key() -> None:
    for kind in (Client, AsyncClient):
        assert repr(kind("https://h/api/", "secret")) == f"{kind.__name__}('https://h/api')"


def test_a_client_cannot_be_pickled_but_errors_and_answers_can() -> None:
    with pytest.raises(TypeError), Client("https://h", "secret") as client:
        pickle.dumps(client)
    detail = [{"loc": ["body", "table"], "msg": "Give a name", "type": "x"}]
    for error in (Invalid(detail, 422), LimitReached("wait", 429, 7.0)):
        for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own bytes
            assert type(same) is type(error)
            assert (str(same), vars(same)) == (str(error), vars(error))
    found = Job.model_validate({**job(), "later": 1})
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - our own bytes


def test_threads_share_a_client() -> None:
    def answer(asked: Asked) -> Says:
        return Says(200, job(job_id=asked.path.rpartition("/")[2]))

    names = [f"job-{number}" for number in range(50)]
    with serving(answer) as server, Client(server.url, "key") as client, ThreadPoolExecutor(8) as pool:
        assert [found.job_id for found in pool.map(client.get, names)] == names


def test_an_iterator_asks_only_for_the_pages_that_are_read() -> None:
    more = {"Link": '</x?cursor=c1&limit=200>; rel="next"'}
    with service(Says(200, [job()], more)) as server, Client(server.url, "key") as client:
        jobs = client.list(newest_first=True)
        assert server.asked == []
        assert next(jobs, None) is not None
        assert len(server.asked) == 1


def test_a_bound_may_be_a_datetime() -> None:
    """Type checkers accept it too: this file is checked."""
    east = timezone(timedelta(hours=2))
    window = Window(start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 3, 2, 1, tzinfo=east))
    assert window.model_dump() == {
        "start": "2026-03-01T00:00:00",
        "end": "2026-03-01T23:00:00",
        "partition_key": "block_timestamp",
    }


def test_a_cost_is_typed_and_may_be_absent() -> None:
    estimate = {"rows": 1, "chunks": 1, "bytes": 9, "first_rows": [], "warnings": []}
    part = {"low": 0.5, "high": 1.5}
    cost = {
        "currency": "USD",
        **part,
        "parts": {"egress": part},
        "prices_of": "2026-01",
        "assumptions": ["a"],
    }
    with (
        service(Says(200, {**estimate, "cost": cost}), Says(200, estimate)) as server,
        Client(server.url, "key") as client,
    ):
        found = client.estimate({}).cost
        assert found is not None
        assert (found.low, found.parts["egress"].high, found.assumptions) == (0.5, 1.5, ["a"])
        assert client.estimate({}).cost is None


def test_a_destinations_own_fields_are_its_options() -> None:
    fields: dict[str, Any] = {"type": "webhook", "name": "w", "uid": "u", "delivery": "at_least_once"}
    own = {"url": "https://h/", "later": [1]}
    found = Destination.model_validate({**fields, **own})
    assert (found.options, found.delivery, found.state) == (own, "at_least_once", None)


def test_a_short_timeout_also_limits_the_connecting() -> None:
    for seconds, connecting in ((3.0, 3.0), (60.0, 10.0)):
        with Client("https://h", "key", timeout=seconds) as client:
            timeout = client._http.timeout
            assert (timeout.connect, timeout.read, timeout.write) == (connecting, seconds, seconds)


def test_the_request_names_the_version() -> None:
    with service(Says(200, job())) as server, Client(server.url, "key") as client:
        client.get(JOB_ID)
    assert server.asked[0].headers["User-Agent"] == f"backfills-client/{backfills.__version__}"


@pytest.mark.parametrize(("status", "kind"), [(400, Refused), (403, Refused), (413, Refused)])
def test_another_refusal_is_of_the_base_class(status: int, kind: type[Refused]) -> None:
    with service(Says(status, {"detail": "no"})) as server, Client(server.url, "key") as client:
        with pytest.raises(kind) as caught:
            client.get(JOB_ID)
        assert type(caught.value) is kind
        assert not isinstance(caught.value, OutOfReach)
