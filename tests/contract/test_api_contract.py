"""Every line of the contract's tables of calls and errors, by its name; those of fields are in another
file.
"""

import re
from uuid import UUID

import pytest

from shared.domain.jobs import Counts, JobStatus
from shared.web.routes import BACKFILLS
from tests.fakes.staged import finish, stage
from tests.fakes.web import KEY, OTHER_KEY, Service, backfill

LIST_FIELDS = [
    "job_id", "workflow_id", "organization_id", "status", "job_name", "table", "partition_key",
    "backfill_start", "backfill_end", "filter_column", "filter_values", "destinations",
    "static_egress_ip", "num_chunks", "chunks_left", "error_message", "time_created", "time_completed",
]  # fmt: skip
UNKNOWN_ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"


@pytest.fixture
def service() -> Service:
    return Service()


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
        assert list(job) == [*LIST_FIELDS, "progress", "warnings", "paused", "time_paused"]
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

    @pytest.mark.parametrize("key", [None, KEY])
    @pytest.mark.parametrize("path", ["/", "/console/"])
    def test_the_console_needs_no_key(self, service: Service, path: str, key: str | None) -> None:
        answer = service.call("GET", path, key)
        assert (answer.status_code, answer.mimetype) == (200, "text/html")

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
                {"type": "sqs", "name": "x"},
                {"type": "kafka", "name": ".hidden", "uid": "mine"},
                {"type": "webhook", "name": "w", "url": "ftp://example.com"},
                {"type": "kafka", "name": "twice"},
                {"type": "kafka", "name": "twice"},
            ],
            "static_egress_ip": "yes",
        }
        assert sorted((fault["loc"] for fault in service.faults(body)), key=str) == sorted(
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
        "path", ["/api", "/api/", f"{BACKFILLS}/", f"{BACKFILLS}/{UNKNOWN_ID}", f"{BACKFILLS}/..%2f", "/a//b"]
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
