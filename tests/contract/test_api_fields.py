"""Every line of the contract's table of fields, by its name; those of destinations are in another file."""

from typing import Any

import pytest

from shared.domain.catalog import Catalog, CatalogEntry
from shared.web.routes import BACKFILLS
from tests.fakes.web import Service, backfill, webhook, window

Loc = list[str | int]


@pytest.fixture
def service() -> Service:
    return Service()


def _locs(service: Service, body: Any) -> list[Loc]:
    return [fault["loc"] for fault in service.faults(body)]


class TestJobName:
    @pytest.mark.parametrize("name", ["x", "x" * 200, "  " + "é" * 200 + "\n", "💸 ' \" -- "])
    def test_1_to_200_characters_after_trimming(self, service: Service, name: str) -> None:
        service.created(backfill(job_name=name))
        (item,) = service.call("GET", BACKFILLS).get_json()
        assert item["job_name"] == name.strip()

    @pytest.mark.parametrize("name", ["a\u0000b", "a\tb", "a\nb", "\x1b[2J", "x\x7f", "\u0085x\u009f"])
    def test_control_characters_are_refused(self, service: Service, name: str) -> None:
        (fault,) = service.faults(backfill(job_name=name))
        assert fault["loc"] == ["body", "job_name"]
        assert "control characters" in fault["msg"]

    @pytest.mark.parametrize("name", ["", "   ", "x" * 201, None, 5, True, ["x"]])
    def test_anything_else_is_refused(self, service: Service, name: Any) -> None:
        assert _locs(service, backfill(job_name=name)) == [["body", "job_name"]]

    def test_required(self, service: Service) -> None:
        body = backfill()
        del body["job_name"]
        assert _locs(service, body) == [["body", "job_name"]]


class TestColumns:
    @pytest.mark.parametrize(
        ("columns", "shown"),
        [
            (["A", "b"], ["a", "b"]),
            (["a", {"column": "A", "as": "B"}], ["a", {"column": "a", "as": "B"}]),
            ([f"c{number}" for number in range(1_000)], [f"c{number}" for number in range(1_000)]),
        ],
        ids=["names", "renamed", "as many as there may be"],
    )
    def test_echoed_as_given(self, service: Service, columns: list[Any], shown: list[Any]) -> None:
        job_id = service.created(backfill(columns=columns))
        assert service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["columns"] == shown

    def test_without_them_nothing_is_echoed(self, service: Service) -> None:
        job_id = service.created(backfill())
        assert "columns" not in service.call("GET", f"{BACKFILLS}/{job_id}").get_json()

    @pytest.mark.parametrize(
        ("columns", "loc"),
        [
            ([], []),
            ([f"c{number}" for number in range(1_001)], []),
            ("a", []),
            (["a", "b c"], [1]),
            ([""], [0]),
            ([5], [0]),
            ([None], [0]),
            ([["a"]], [0]),
            ([{"column": "a"}], [0, "as"]),
            ([{"as": "a"}], [0, "column"]),
            ([{"column": "a", "as": "b c"}], [0, "as"]),
            ([{"column": "a", "as": "b", "x": 1}], [0, "x"]),
            (["a", "A"], [1]),
            (["a", {"column": "b", "as": "A"}], [1, "as"]),
        ],
    )
    def test_anything_else_is_refused_by_its_place(self, service: Service, columns: Any, loc: Loc) -> None:
        assert _locs(service, backfill(columns=columns)) == [["body", "columns", *loc]]


LONGEST = [f"{number:04d}".rjust(255, "c") for number in range(1_000)]


class TestRecord:
    """A job's record holds 1 MiB, also once the columns' types are known."""

    def test_as_many_columns_as_there_may_be_may_have_the_longest_names(self, service: Service) -> None:
        service.created(backfill(columns=LONGEST))

    def test_what_does_not_fit_is_refused_with_its_size(self, service: Service) -> None:
        renamed = [{"column": name, "as": name.upper()} for name in LONGEST]
        (fault,) = service.faults(backfill(columns=renamed))
        assert (fault["loc"], fault["type"]) == (["body"], "record_too_large")
        assert "holds 1,000,000 bytes" in fault["msg"]
        answer = service.call("POST", f"{BACKFILLS}/estimate", json=backfill(columns=renamed))
        assert answer.status_code == 422
        assert answer.get_json()["detail"] == [fault]

    def test_destinations_and_columns_share_the_room(self, service: Service) -> None:
        headers = {f"X-{number}": "v" * 1_000 for number in range(20)}
        hooks = [webhook(name=f"hook{number}", headers=headers) for number in range(10)]
        service.created(backfill(destinations=hooks))
        body = backfill(destinations=hooks, columns=LONGEST)
        assert [fault["type"] for fault in service.faults(body)] == ["record_too_large"]


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

    @pytest.mark.parametrize("table", ["ethereum.raw.blocks", "blocks"])
    def test_of_a_table_that_is_refused_block_says_nothing_more(self, service: Service, table: str) -> None:
        part = {"partition_key": "block", "start": 1, "end": 2}
        assert _locs(service, backfill(table=table, backfill_window=part)) == [["body", "table"]]

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
            ("2026-03-01 00:00:00", "2026-03-01T00:00:00"),
            ("2026-03-01 02:00:00.000 +0200", "2026-03-01T00:00:00.000"),
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


class TestStaticEgressIp:
    def test_optional_and_false_by_default(self, service: Service) -> None:
        service.created(backfill(static_egress_ip=True))
        service.created()
        listed = service.call("GET", BACKFILLS).get_json()
        assert [item["static_egress_ip"] for item in listed] == [True, False]

    @pytest.mark.parametrize("value", [0, 1, "true", "", None, []])
    def test_nothing_is_taken_for_a_boolean(self, service: Service, value: Any) -> None:
        assert _locs(service, backfill(static_egress_ip=value)) == [["body", "static_egress_ip"]]


@pytest.mark.parametrize("choice", ["fail", "skip"])
def test_what_becomes_of_oversized_rows_is_shown_as_it_was_given(choice: str) -> None:
    service = Service()
    job_id = service.created(backfill(oversized_rows=choice))
    assert service.call("GET", f"{BACKFILLS}/{job_id}").get_json()["oversized_rows"] == choice
    silent = service.created()
    assert "oversized_rows" not in service.call("GET", f"{BACKFILLS}/{silent}").get_json()
    assert all("oversized_rows" not in item for item in service.call("GET", BACKFILLS).get_json())


@pytest.mark.parametrize("choice", ["SKIP", "drop", True, 1])
def test_any_other_choice_for_oversized_rows_is_refused(choice: object) -> None:
    (fault,) = Service().faults(backfill(oversized_rows=choice))
    assert fault["loc"] == ["body", "oversized_rows"]
