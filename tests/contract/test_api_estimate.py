"""The API's estimate of a backfill."""

import json

import pytest

from shared.domain.columns import Choice
from shared.domain.errors import Unavailable
from shared.domain.jobs import Window
from shared.domain.slices import Facts, Slice, SliceFault, SliceRefused
from shared.web.routes import BACKFILLS
from tests.fakes.staged import stage
from tests.fakes.web import OTHER_KEY, Service, backfill, webhook, window

PATH = f"{BACKFILLS}/estimate"
SLICE_ALONE = {"table": "base.assets.erc20_token_transfers", "backfill_window": window()}


@pytest.fixture
def service() -> Service:
    return Service()


def test_it_answers_rows_chunks_bytes_first_rows_warnings_and_cost(service: Service) -> None:
    rows = tuple(f'{{"unique_id":"{number}","log_index":{number}}}' for number in range(7))
    service.estimates.answer = Facts(70, (), rows, 1_000)
    answer = service.call("POST", PATH, json=SLICE_ALONE)
    assert answer.status_code == 200
    found = answer.get_json()
    assert list(found) == ["rows", "chunks", "bytes", "first_rows", "warnings", "cost"]
    # {"unique_id":"0","log_index":0} is 31 bytes.
    assert (found["rows"], found["bytes"], found["chunks"]) == (70, 70 * 31, 2)
    assert found["first_rows"] == [json.loads(row) for row in rows[:5]]
    assert found["warnings"] == []
    cost = found["cost"]
    assert (cost["currency"], cost["prices_of"]) == ("USD", "2026-11")
    assert 0 < cost["low"] < cost["high"]
    assert cost["high"] == pytest.approx(sum(part["high"] for part in cost["parts"].values()), abs=1e-5)
    assert cost["assumptions"]


def test_its_rows_keep_all_digits(service: Service) -> None:
    row = '{"info":[12345678901234567890.123, 1e400],"ü":"\\ud83d"}'
    service.estimates.answer = Facts(1, (), (row,), 1_000)
    assert row in service.call("POST", PATH, json=SLICE_ALONE).get_data(as_text=True)


def test_nothing_is_made(service: Service) -> None:
    service.call("POST", PATH, json=backfill())
    assert service.jobs.stored == {}
    assert service.queue.waiting == []


def test_the_whole_body_of_a_backfill_is_taken_and_its_slice_is_asked_for(service: Service) -> None:
    keyed = {"type": "kafka", "name": "keyed", "key_column": "to_address"}
    columns = ["unique_id", {"column": "raw_amount_str", "as": "amount"}]
    body = backfill(destinations=[webhook(), keyed], columns=columns)
    assert service.call("POST", PATH, json=body).status_code == 200
    assert service.estimates.asked == [
        Slice(
            "org123",
            "base.assets.erc20_token_transfers",
            Window("block_timestamp", "2026-03-01T00:00:00", "2026-04-01T00:00:00"),
            "token_address",
            ("0x833589fcd6edb6e08f4c7c32d4f71b54bda02913",),
            (Choice("unique_id"), Choice("raw_amount_str", "amount")),
            ((1, "key_column", "to_address"),),
            ((1, {**keyed, "uid": ""}),),
        )
    ]


def test_a_body_is_validated_as_that_of_a_backfill(service: Service) -> None:
    body = {**SLICE_ALONE, "filtre": {}, "job_name": "", "destinations": [{"type": "nothing"}]}
    answer = service.call("POST", PATH, json=body)
    assert answer.status_code == 422
    locs = [fault["loc"] for fault in answer.get_json()["detail"]]
    assert locs == [["body", "job_name"], ["body", "destinations", 0, "type"], ["body", "filtre"]]
    assert service.rates.taken == {}


def test_what_the_table_lacks_is_422_with_its_place(service: Service) -> None:
    service.estimates.answer = SliceRefused(
        (SliceFault(("filter", "column"), "The table has no column x"), SliceFault(("columns", 1), "Nor y"))
    )
    answer = service.call("POST", PATH, json=SLICE_ALONE)
    assert answer.status_code == 422
    assert [(fault["loc"], fault["msg"]) for fault in answer.get_json()["detail"]] == [
        (["body", "filter", "column"], "The table has no column x"),
        (["body", "columns", 1], "Nor y"),
    ]


def test_a_warehouse_that_does_not_answer_is_503(service: Service) -> None:
    service.estimates.answer = Unavailable("Snowflake", detail="host.internal")
    answer = service.call("POST", PATH, json=SLICE_ALONE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.get_json() == {"detail": "Snowflake is not available at the moment"}


def test_more_than_an_organization_may_ask_for_is_429(service: Service) -> None:
    service.rates.most = 2
    answers = [service.call("POST", PATH, json=SLICE_ALONE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "42"
    assert service.call("POST", PATH, OTHER_KEY, json=SLICE_ALONE).status_code == 200
    assert len(service.estimates.asked) == 3


def test_it_needs_a_key_and_is_posted(service: Service) -> None:
    assert service.call("POST", PATH, None, json=SLICE_ALONE).status_code == 401
    wrong = service.call("GET", PATH)
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")


def test_destinations_that_can_be_looked_at_are_asked_for_and_what_is_wrong_is_a_warning(
    service: Service,
) -> None:
    bus = {"type": "nats", "name": "bus", "servers": ["tls://nats.example.com"], "subject": "rows"}
    service.estimates.answer = Facts(1, (), ('{"a":1}',), 1_000, ((1, "No stream holds subject rows"),))
    answer = service.call("POST", PATH, json=backfill(destinations=[webhook(), bus]))
    (warning,) = answer.get_json()["warnings"]
    assert warning == "Rows could not be sent to nats bus: No stream holds subject rows"
    (wanted,) = service.estimates.asked
    assert wanted.looked_at == ((1, {**bus, "uid": ""}),)


def test_a_slice_far_larger_than_the_organizations_latest_is_a_warning(service: Service) -> None:
    service.estimates.answer = Facts(5_000_000, (), ('{"a":1}',), 1_000_000)
    for _ in range(3):
        stage(service.jobs, service.created(), chunks=1, rows=40)
    (warning,) = service.call("POST", PATH, json=SLICE_ALONE).get_json()["warnings"]
    assert warning == (
        "The slice has 5,000,000 rows, far more than usual: the largest of the latest 3 backfills of"
        " base.assets.erc20_token_transfers had 40"
    )
    other = {**SLICE_ALONE, "table": "base.assets.other"}
    assert service.call("POST", PATH, json=other).get_json()["warnings"] == []
    assert service.call("POST", PATH, OTHER_KEY, json=SLICE_ALONE).get_json()["warnings"] == []
