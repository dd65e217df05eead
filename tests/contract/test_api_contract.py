"""Every line of the contract's tables of fields and errors, by the name of its line."""

import re
from typing import Any
from uuid import UUID

import pytest

from shared.catalog import Catalog, CatalogEntry
from shared.jobs import Counts, JobStatus
from shared.web.app import BACKFILLS
from tests.fakes.staged import finish, stage
from tests.fakes.web import KEY, OTHER_KEY, Service, backfill, webhook, window

LIST_FIELDS = [
    "job_id", "workflow_id", "organization_id", "status", "job_name", "table", "partition_key",
    "backfill_start", "backfill_end", "filter_column", "filter_values", "destinations",
    "static_egress_ip", "num_chunks", "chunks_left", "error_message", "time_created", "time_completed",
]  # fmt: skip
UNKNOWN_ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
Loc = list[str | int]


@pytest.fixture
def service() -> Service:
    return Service()


def _locs(service: Service, body: Any) -> list[Loc]:
    return [fault["loc"] for fault in service.faults(body)]


class TestEndpoints:
    def test_create_answers_201_with_the_two_ids_and_nothing_else(self, service: Service) -> None:
        answer = service.create(backfill())
        assert answer.status_code == 201
        created = answer.get_json()
        assert list(created) == ["job_id", "workflow_id"]
        assert UUID(created["job_id"]).version == 4
        assert str(UUID(created["job_id"])) == created["job_id"]
        assert created["workflow_id"] == f"beam-backfill-org123-{created['job_id']}"
        assert answer.headers["Location"] == f"{BACKFILLS}/{created['job_id']}"

    def test_list_answers_a_bare_array_of_exactly_the_documented_fields(self, service: Service) -> None:
        job_id = service.created()
        (item,) = service.call("GET", BACKFILLS).get_json()
        assert list(item) == LIST_FIELDS
        uid = item["destinations"][0].pop("uid")
        assert UUID(uid)
        assert item == {
            "job_id": job_id,
            "workflow_id": f"beam-backfill-org123-{job_id}",
            "organization_id": "org123",
            "status": "staging",
            "job_name": "USDC transfers on Base — Mar 2026",
            "table": "base.assets.erc20_token_transfers",
            "partition_key": "block_timestamp",
            "backfill_start": "2026-03-01T00:00:00",
            "backfill_end": "2026-04-01T00:00:00",
            "filter_column": "token_address",
            "filter_values": ["0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"],
            "destinations": [{"type": "kafka", "name": "base-usdc-transfers-backfill"}],
            "static_egress_ip": False,
            "num_chunks": None,
            "chunks_left": None,
            "error_message": None,
            "time_created": "2026-04-27T10:30:01.000000Z",
            "time_completed": None,
        }

    def test_list_of_nothing_is_an_empty_array(self, service: Service) -> None:
        assert service.call("GET", BACKFILLS).text == "[]"

    def test_list_is_oldest_first(self, service: Service) -> None:
        made = [service.created() for _ in range(5)]
        assert [item["job_id"] for item in service.call("GET", BACKFILLS).get_json()] == made

    def test_get_one_adds_progress_and_each_destinations_state(self, service: Service) -> None:
        job_id = service.created()
        stage(service.jobs, job_id, chunks=10, rows=1_000)
        stored = service.jobs.stored["org123", job_id]
        stored.counts = Counts(chunks_left=4, rows_left=450)
        answer = service.call("GET", f"{BACKFILLS}/{job_id}")
        assert answer.status_code == 200
        job = answer.get_json()
        (destination,) = job["destinations"]
        assert list(job) == [*LIST_FIELDS, "progress"]
        assert (job["status"], job["num_chunks"], job["chunks_left"]) == ("transporting", 10, 4)
        assert job["progress"] == {
            "chunks_done": 6,
            "chunks_total": 10,
            "rows_done": 550,
            "rows_total": 1_000,
        }
        assert list(destination) == ["type", "name", "uid", "state"]
        assert destination["state"] == {
            "status": "delivering",
            "chunks_done": 0,
            "rows_done": 0,
            "last_error": None,
        }

    def test_cancel_answers_200_with_the_job_as_get_answers_it(self, service: Service) -> None:
        job_id = service.created()
        answer = service.call("POST", f"{BACKFILLS}/{job_id}/cancel")
        assert answer.status_code == 200
        assert answer.get_json()["status"] == "cancelled"
        assert answer.get_json()["time_completed"] is not None
        assert answer.get_json() == service.call("GET", f"{BACKFILLS}/{job_id}").get_json()

    def test_a_cancelled_job_answers_200_again(self, service: Service) -> None:
        job_id = service.created()
        first = service.call("POST", f"{BACKFILLS}/{job_id}/cancel").get_json()
        again = service.call("POST", f"{BACKFILLS}/{job_id}/cancel")
        assert (again.status_code, again.get_json()) == (200, first)

    @pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
    def test_cancel_of_completed_or_failed_is_409_naming_the_state(
        self, service: Service, status: JobStatus
    ) -> None:
        job_id = service.created()
        finish(service.jobs, job_id, status)
        answer = service.call("POST", f"{BACKFILLS}/{job_id}/cancel")
        assert answer.status_code == 409
        assert status.value in answer.get_json()["detail"]

    @pytest.mark.parametrize("path", [f"{BACKFILLS}/estimate", f"{BACKFILLS}/{UNKNOWN_ID}/retry"])
    def test_estimate_and_retry_are_404_until_they_are_built(self, service: Service, path: str) -> None:
        assert service.call("POST", path).status_code == 404

    def test_openapi_and_health_need_no_key(self, service: Service) -> None:
        document = service.call("GET", "/api/v1/beam/openapi.json", None)
        assert (document.status_code, document.get_json()["openapi"]) == (200, "3.1.0")
        assert service.call("GET", "/health", None).status_code == 200


class TestAuthenticationAndScope:
    @pytest.mark.parametrize("key", [None, "", "unknown", "ключ", KEY + " x"])
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", BACKFILLS),
            ("GET", BACKFILLS),
            ("GET", f"{BACKFILLS}/{UNKNOWN_ID}"),
            ("POST", f"{BACKFILLS}/{UNKNOWN_ID}/cancel"),
            ("GET", "/nowhere"),
            ("DELETE", BACKFILLS),
        ],
    )
    def test_a_missing_or_unknown_key_is_401_before_anything_else(
        self, service: Service, method: str, path: str, key: str | None
    ) -> None:
        answer = service.call(method, path, key and key.encode().decode("latin-1"), data=b"{")
        assert answer.status_code == 401
        assert list(answer.get_json()) == ["detail"]

    def test_another_organizations_job_is_404_as_one_that_does_not_exist(self, service: Service) -> None:
        job_id = service.created(key=OTHER_KEY)
        for method, action in [("GET", ""), ("POST", "/cancel")]:
            theirs = service.call(method, f"{BACKFILLS}/{job_id}{action}")
            nobodys = service.call(method, f"{BACKFILLS}/{UNKNOWN_ID}{action}")
            assert theirs.status_code == nobodys.status_code == 404
            assert theirs.text.replace(job_id, "") == nobodys.text.replace(UNKNOWN_ID, "")
        assert service.call("GET", BACKFILLS).get_json() == []


class TestErrors:
    def test_422_lists_one_entry_for_each_fault_all_at_once(self, service: Service) -> None:
        body = {
            "table": "ethereum.raw.blocks",
            "backfill_window": {"partition_key": "date", "start": 1, "end": "2026-04-31"},
            "filters": {},
            "filter": {"column": "a b", "values": []},
            "destinations": [
                {"type": "sns", "name": "x"},
                {"type": "kafka", "name": ".hidden", "uid": "mine"},
                {"type": "webhook", "name": "w", "url": "ftp://example.com"},
                {"type": "kafka", "name": "twice"},
                {"type": "kafka", "name": "twice"},
            ],
            "static_egress_ip": "yes",
        }
        assert sorted(_locs(service, body), key=str) == sorted(
            [
                ["body", "job_name"],
                ["body", "table"],
                ["body", "backfill_window", "partition_key"],
                ["body", "backfill_window", "start"],
                ["body", "backfill_window", "end"],
                ["body", "filters"],
                ["body", "filter", "column"],
                ["body", "filter", "values"],
                ["body", "destinations", 0, "type"],
                ["body", "destinations", 1, "name"],
                ["body", "destinations", 1, "uid"],
                ["body", "destinations", 2, "url"],
                ["body", "destinations", 4, "name"],
                ["body", "static_egress_ip"],
            ],
            key=str,
        )

    @pytest.mark.parametrize(
        "path", ["/", "/api", f"{BACKFILLS}/", f"{BACKFILLS}/{UNKNOWN_ID}", f"{BACKFILLS}/..%2f", "/a//b"]
    )
    def test_404_unknown_job_or_path(self, service: Service, path: str) -> None:
        answer = service.call("GET", path)
        assert (answer.status_code, list(answer.get_json())) == (404, ["detail"])

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("DELETE", BACKFILLS, "GET, HEAD, POST"),
            ("POST", f"{BACKFILLS}/{UNKNOWN_ID}", "GET, HEAD"),
            ("GET", f"{BACKFILLS}/{UNKNOWN_ID}/cancel", "POST"),
            ("PATCH", "/health", "GET, HEAD"),
            ("BREW", BACKFILLS, "GET, HEAD, POST"),
        ],
    )
    def test_405_with_allow(self, service: Service, method: str, path: str, allowed: str) -> None:
        answer = service.call(method, path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)

    @pytest.mark.parametrize("size", [2 * 1024 * 1024 + 1, 10 * 1024 * 1024])
    def test_413_body_over_2_mib(self, service: Service, size: int) -> None:
        answer = service.call("POST", BACKFILLS, data=b" " * size, content_type="application/json")
        assert (answer.status_code, list(answer.get_json())) == (413, ["detail"])

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Content-Type": "text/plain"},
            {"Content-Type": "application/x-www-form-urlencoded"},
            {"Content-Type": "application/json; charset=utf-16"},
            {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        ],
    )
    def test_415_not_json(self, service: Service, headers: dict[str, str]) -> None:
        answer = service.call("POST", BACKFILLS, data=b"{}", headers=headers)
        assert (answer.status_code, list(answer.get_json())) == (415, ["detail"])

    def test_503_a_dependency_is_down_with_retry_after_and_nothing_half_recorded(
        self, service: Service
    ) -> None:
        service.queue.down = True
        answer = service.create(backfill())
        assert (answer.status_code, list(answer.get_json())) == (503, ["detail"])
        assert int(answer.headers["Retry-After"]) > 0
        assert service.jobs.stored == {}
        assert set(service.jobs.topics.values()) == {0}

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", BACKFILLS),
            ("GET", BACKFILLS),
            ("GET", f"{BACKFILLS}?limit=1"),
            ("GET", f"{BACKFILLS}/{UNKNOWN_ID}"),
            ("POST", f"{BACKFILLS}/{UNKNOWN_ID}/cancel"),
        ],
    )
    @pytest.mark.parametrize("what", ["jobs", "keys"])
    def test_503_on_every_call(self, service: Service, what: str, method: str, path: str) -> None:
        getattr(service, what).down = True
        answer = service.call(method, path, json=backfill())
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers


class TestJobName:
    @pytest.mark.parametrize("name", ["x", "x" * 200, "  " + "é" * 200 + "\n", "💸 ' \" -- \x00"])
    def test_1_to_200_characters_after_trimming(self, service: Service, name: str) -> None:
        service.created(backfill(job_name=name))
        (item,) = service.call("GET", BACKFILLS).get_json()
        assert item["job_name"] == name.strip()

    @pytest.mark.parametrize("name", ["", "   ", "x" * 201, None, 5, True, ["x"]])
    def test_anything_else_is_refused(self, service: Service, name: Any) -> None:
        assert _locs(service, backfill(job_name=name)) == [["body", "job_name"]]

    def test_required(self, service: Service) -> None:
        body = backfill()
        del body["job_name"]
        assert _locs(service, body) == [["body", "job_name"]]


class TestTable:
    def test_matched_without_case_and_echoed_in_lower_case(self, service: Service) -> None:
        service.created(backfill(table="BASE.Assets.Erc20_Token_Transfers"))
        (item,) = service.call("GET", BACKFILLS).get_json()
        assert item["table"] == "base.assets.erc20_token_transfers"

    def test_any_well_formed_table_in_scope_is_accepted(self, service: Service) -> None:
        service.created(backfill(table="base.any_schema.no_such_table"))

    def test_outside_of_the_catalog_is_422_naming_what_is_supported(self, service: Service) -> None:
        (fault,) = service.faults(backfill(table="ethereum.raw.blocks"))
        assert fault["loc"] == ["body", "table"]
        assert "base.*.*" in fault["msg"]

    @pytest.mark.parametrize(
        "table", ["t", "base.t", 'base."assets".t', "base.assets.t;--", "a.b.c.d", 7, None]
    )
    def test_must_be_three_plain_identifiers(self, service: Service, table: Any) -> None:
        assert _locs(service, backfill(table=table)) == [["body", "table"]]


class TestBackfillWindow:
    def test_start_must_be_before_end(self, service: Service) -> None:
        for end in ["2026-03-01T00:00:00", "2026-03-01T00:00:00.000", "2026-03-01T01:00:00+02:00"]:
            assert _locs(service, backfill(backfill_window=window(end=end))) == [["body", "backfill_window"]]
        service.created(backfill(backfill_window=window(end="2026-03-01T00:00:00.000000001")))

    @pytest.mark.parametrize("missing", ["partition_key", "start", "end"])
    def test_required(self, service: Service, missing: str) -> None:
        part = window()
        del part[missing]
        assert _locs(service, backfill(backfill_window=part)) == [["body", "backfill_window", missing]]

    @pytest.mark.parametrize("value", [None, [], "2026", 5])
    def test_must_be_an_object(self, service: Service, value: Any) -> None:
        assert _locs(service, backfill(backfill_window=value)) == [["body", "backfill_window"]]


class TestPartitionKey:
    def test_block_is_422_for_base_tables(self, service: Service) -> None:
        part = {"partition_key": "block", "start": 1, "end": 2}
        assert _locs(service, backfill(backfill_window=part)) == [
            ["body", "backfill_window", "partition_key"]
        ]

    def test_block_has_integer_bounds_where_the_catalog_names_a_block_column(self) -> None:
        catalog = Catalog((CatalogEntry("base.raw.*", block_column="block_number"),))
        service = Service(catalog)
        wanted = backfill(
            table="base.raw.blocks", backfill_window={"partition_key": "block", "start": 9, "end": 10}
        )
        service.created(wanted)
        (item,) = service.call("GET", BACKFILLS).get_json()
        assert (item["partition_key"], item["backfill_start"], item["backfill_end"]) == ("block", 9, 10)
        for bound in ["9", 9.0, True, -1, 2**63, "2026-03-01T00:00:00", None]:
            wanted["backfill_window"] = {"partition_key": "block", "start": bound, "end": 10}
            assert _locs(service, wanted) == [["body", "backfill_window", "start"]]

    @pytest.mark.parametrize("key", ["block_number", "BLOCK_TIMESTAMP", "", None, 5, ["block"]])
    def test_others_are_refused(self, service: Service, key: Any) -> None:
        part = window(partition_key=key)
        assert _locs(service, backfill(backfill_window=part)) == [
            ["body", "backfill_window", "partition_key"]
        ]


class TestStartAndEnd:
    @pytest.mark.parametrize(
        ("given", "echoed"),
        [
            ("2026-03-01T00:00:00.123456789", "2026-03-01T00:00:00.123456789"),
            ("2026-03-01T02:00:00.000000001+02:00", "2026-03-01T00:00:00.000000001"),
            ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00"),
            ("2026-03-01T00:00:00", "2026-03-01T00:00:00"),
        ],
    )
    def test_echoed_in_utc_with_all_digits(self, service: Service, given: str, echoed: str) -> None:
        service.created(backfill(backfill_window=window(start=given)))
        (item,) = service.call("GET", BACKFILLS).get_json()
        assert item["backfill_start"] == echoed

    @pytest.mark.parametrize(
        "bound",
        [
            *(1772323200, 1772323200.5, True, None, {"at": 1}),
            *("1772323200", "20260301", "1772323200000", "", "yesterday"),
            *("2026-03-01T00:00:00.1234567890", "2026-03-01' OR '1'='1"),
        ],
    )
    @pytest.mark.parametrize("name", ["start", "end"])
    def test_numbers_digits_and_what_is_not_iso_8601_are_refused(
        self, service: Service, name: str, bound: Any
    ) -> None:
        part = window(**{name: bound})
        assert _locs(service, backfill(backfill_window=part)) == [["body", "backfill_window", name]]


class TestFilter:
    @pytest.mark.parametrize("absent", [{}, {"filter": None}])
    def test_optional(self, service: Service, absent: dict[str, None]) -> None:
        body = backfill()
        del body["filter"]
        service.created(body | absent)
        (item,) = service.call("GET", BACKFILLS).get_json()
        assert (item["filter_column"], item["filter_values"]) == (None, None)

    def test_a_misspelt_filter_never_exports_the_whole_table(self, service: Service) -> None:
        body = backfill()
        body["Filter"] = body.pop("filter")
        assert _locs(service, body) == [["body", "Filter"]]

    def test_column_is_echoed_in_lower_case(self, service: Service) -> None:
        service.created(backfill(filter={"column": "Token_Address", "values": ["x"]}))
        assert service.call("GET", BACKFILLS).get_json()[0]["filter_column"] == "token_address"

    @pytest.mark.parametrize("column", ["", "a b", 'a"', "a;--", "1a", "a.b", "ä", "a" * 256, 5, None])
    def test_column_is_a_plain_identifier(self, service: Service, column: Any) -> None:
        part = {"column": column, "values": ["x"]}
        assert _locs(service, backfill(filter=part)) == [["body", "filter", "column"]]

    @pytest.mark.parametrize(
        ("values", "kept"),
        [
            (["a", "A", "a", ""], ["a", "A", ""]),
            (["'; DROP TABLE x; --", '"', "\\", "%s", "\u0000", "💸", "1"], None),
            ([1, 2, 1, 1.0, 2.5], [1, 2, 2.5]),
            ([10**37, -(10**38) + 1], None),
            ([0.1, -0.25, 1e300], None),
            ([True, False, True], [True, False]),
        ],
    )
    def test_values_are_strings_numbers_or_booleans_without_duplicates(
        self, service: Service, values: list[Any], kept: list[Any] | None
    ) -> None:
        service.created(backfill(filter={"column": "c", "values": values}))
        (item,) = service.call("GET", BACKFILLS).get_json()
        assert repr(item["filter_values"]) == repr(kept or values)

    @pytest.mark.parametrize("values", [["a", 1], [1, True], [False, "x"], [1.5, True]])
    def test_one_type_per_list(self, service: Service, values: list[Any]) -> None:
        part = {"column": "c", "values": values}
        assert _locs(service, backfill(filter=part)) == [["body", "filter", "values"]]

    @pytest.mark.parametrize("value", [None, [], {}, ["x"]])
    def test_other_values_are_refused_where_they_stand(self, service: Service, value: Any) -> None:
        part = {"column": "c", "values": ["x", value]}
        assert _locs(service, backfill(filter=part)) == [["body", "filter", "values", 1]]

    def test_16384_values_are_accepted_and_16385_are_not(self, service: Service) -> None:
        values = [f"0x{number:040x}" for number in range(16_384)]
        service.created(backfill(filter={"column": "token_address", "values": values}))
        assert service.call("GET", BACKFILLS).get_json()[0]["filter_values"] == values
        for too_many in ([*values, "one more"], ["same"] * 16_385):
            part = {"column": "token_address", "values": too_many}
            assert _locs(service, backfill(filter=part)) == [["body", "filter", "values"]]


class TestDestinations:
    def test_the_service_assigns_each_a_uid(self, service: Service) -> None:
        sinks = [{"type": "kafka", "name": f"topic-{number}"} for number in range(9)]
        service.created(backfill(destinations=[*sinks, webhook(name="topic-1", hash_key="SIGNING_1")]))
        (item,) = service.call("GET", BACKFILLS).get_json()
        uids = {UUID(destination.pop("uid")) for destination in item["destinations"]}
        assert len(uids) == 10
        assert item["destinations"] == [*sinks, webhook(name="topic-1", hash_key="SIGNING_1")]

    def test_hash_key_is_echoed_only_if_given(self, service: Service) -> None:
        service.created(backfill(destinations=[webhook(), webhook(name="b", hash_key=None)]))
        (item,) = service.call("GET", BACKFILLS).get_json()
        assert [list(destination) for destination in item["destinations"]] == [
            ["type", "name", "url", "uid"]
        ] * 2

    @pytest.mark.parametrize("count", [0, 11])
    def test_1_to_10(self, service: Service, count: int) -> None:
        sinks = [{"type": "kafka", "name": str(number)} for number in range(count)]
        assert _locs(service, backfill(destinations=sinks)) == [["body", "destinations"]]

    @pytest.mark.parametrize("name", ["a", "_", "-", "A.b_c-9", "x" * 100, "a..b"])
    def test_name_is_a_safe_one(self, service: Service, name: str) -> None:
        service.created(backfill(destinations=[{"type": "kafka", "name": name}]))

    @pytest.mark.parametrize(
        "name", ["", ".", "..", ".a", "x" * 101, "a b", "a/b", "ä", "a\n", "a\x00", 5, None]
    )
    def test_any_other_name_is_refused(self, service: Service, name: Any) -> None:
        sinks = [{"type": "kafka", "name": name}]
        assert _locs(service, backfill(destinations=sinks)) == [["body", "destinations", 0, "name"]]

    def test_unique_by_type_and_name(self, service: Service) -> None:
        sinks = [webhook(), {"type": "kafka", "name": "hook"}, webhook(url="https://example.org/")]
        assert _locs(service, backfill(destinations=sinks)) == [["body", "destinations", 2, "name"]]

    @pytest.mark.parametrize("kind", ["sns", "nats", "external_kafka", "Kafka", "", 5, None, ["kafka"], {}])
    def test_other_types_are_refused_naming_the_supported(self, service: Service, kind: Any) -> None:
        (fault,) = service.faults(backfill(destinations=[{"type": kind, "name": "x"}]))
        assert fault["loc"] == ["body", "destinations", 0, "type"]
        assert fault["msg"].endswith("kafka, webhook")

    @pytest.mark.parametrize("sink", [None, "kafka", 5, []])
    def test_each_is_an_object(self, service: Service, sink: Any) -> None:
        assert _locs(service, backfill(destinations=[sink])) == [["body", "destinations", 0]]

    @pytest.mark.parametrize("sinks", [None, {}, "kafka", {"type": "kafka", "name": "x"}])
    def test_they_are_an_array(self, service: Service, sinks: Any) -> None:
        assert _locs(service, backfill(destinations=sinks)) == [["body", "destinations"]]

    @pytest.mark.parametrize("field", ["delivery", "uid", "url", "hash_key", "topic", "kafka"])
    def test_unknown_fields_are_refused(self, service: Service, field: str) -> None:
        sink = {"type": "kafka", "name": "x", field: "exactly_once"}
        assert _locs(service, backfill(destinations=[sink])) == [["body", "destinations", 0, field]]

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com",
            "https://example.com:8443/a/b?c=d#e",
            "https://[2606:4700::1111]/",
            "https://1.1.1.1/%C3%A9",
        ],
    )
    def test_a_webhook_has_an_https_url(self, service: Service, url: str) -> None:
        service.created(backfill(destinations=[webhook(url=url)]))
        assert service.call("GET", BACKFILLS).get_json()[0]["destinations"][0]["url"] == url

    @pytest.mark.parametrize(
        "url",
        [
            *(
                "http://example.com",
                "ftp://example.com",
                "example.com",
                "https://",
                "https:///rows",
                "https:x",
            ),
            *("https://user@example.com", "https://user:secret@example.com/", "https://@example.com"),
            *("https://example.com\\@internal", "https://exa mple.com", "https://example.com/\r\nHost: x"),
            *("https://éxample.com", "https://[::1", "https://example.com:0", "https://example.com:99999"),
            *("https://example.com:x", "https://example.com/" + "x" * 2_029, "", None, 5, ["https://a.b"]),
        ],
    )
    def test_any_other_url_is_refused(self, service: Service, url: Any) -> None:
        assert _locs(service, backfill(destinations=[webhook(url=url)])) == [
            ["body", "destinations", 0, "url"]
        ]

    def test_a_url_has_at_most_2048_characters(self, service: Service) -> None:
        service.created(backfill(destinations=[webhook(url="https://example.com/" + "x" * 2_028)]))

    def test_plain_http_needs_the_local_switch(self) -> None:
        local = Service(allow_insecure_webhooks=True)
        local.created(backfill(destinations=[webhook(url="http://127.0.0.1:9000/rows")]))
        assert _locs(local, backfill(destinations=[webhook(url="ftp://127.0.0.1/")])) != []

    @pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", "x" * 65, 5, True])
    def test_hash_key_names_a_secret(self, service: Service, name: Any) -> None:
        sinks = [webhook(hash_key=name)]
        assert _locs(service, backfill(destinations=sinks)) == [["body", "destinations", 0, "hash_key"]]


class TestStaticEgressIp:
    def test_optional_and_false_by_default(self, service: Service) -> None:
        service.created(backfill(static_egress_ip=True))
        service.created()
        listed = service.call("GET", BACKFILLS).get_json()
        assert [item["static_egress_ip"] for item in listed] == [True, False]

    @pytest.mark.parametrize("value", [0, 1, "true", "", None, []])
    def test_nothing_is_taken_for_a_boolean(self, service: Service, value: Any) -> None:
        assert _locs(service, backfill(static_egress_ip=value)) == [["body", "static_egress_ip"]]


class TestStates:
    def test_a_completed_slice_of_no_rows_has_zero_chunks(self, service: Service) -> None:
        job_id = service.created()
        stage(service.jobs, job_id, chunks=0, rows=0)
        job = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()
        assert (job["status"], job["num_chunks"], job["chunks_left"]) == ("completed", 0, 0)
        assert job["destinations"][0]["state"]["status"] == "done"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", job["time_completed"])

    def test_error_message_is_set_on_failed_jobs_only(self, service: Service) -> None:
        failed, cancelled = service.created(), service.created()
        finish(service.jobs, failed, JobStatus.FAILED)
        service.call("POST", f"{BACKFILLS}/{cancelled}/cancel")
        jobs = service.call("GET", BACKFILLS).get_json()
        assert [job["error_message"] for job in jobs] == ["There is no such table", None]
        assert all(job["time_completed"] for job in jobs)
