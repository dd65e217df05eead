"""Estimating: the queries to Snowflake, and everything that the table lacks at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from shared.domain.catalog import Catalog, CatalogEntry
from shared.domain.columns import Choice, Column, JsonKind, TableType
from shared.domain.errors import Unavailable, UnloadRefused, WarehouseRefused
from shared.domain.jobs import Window
from shared.domain.slices import Slice, SliceRefused
from shared.encoding.embedded import embeddable
from shared.steps.estimate import SAMPLE, EstimateSlice, Look, Unfit
from shared.unload.statements import Statement, TableColumn
from tests.fakes.clock import FakeClock

COLUMNS = [
    TableColumn("BLOCK_TIMESTAMP", "TIMESTAMP_NTZ", 9),
    TableColumn("TOKEN", "TEXT", 0),
    TableColumn("AMOUNT", "FIXED", 0),
    TableColumn("RATIO", "REAL", 0),
    TableColumn("INFO", "VARIANT", 0),
]
MARCH = Window("block_timestamp", "2026-03-01T00:00:00", "2026-04-01T00:00:00")
WANTED = Slice("acme", "base.assets.t", MARCH)
CHOSEN = (Choice("amount", "sum"),)


@dataclass(slots=True)
class FakeQuestions:
    """Answers the first query with ``counted``, the second with ``sample``; each ``takes`` seconds."""

    clock: FakeClock
    counted: list[tuple[Any, ...]] = field(default_factory=lambda: [(3,)])
    sample: list[tuple[Any, ...]] = field(default_factory=list)
    columns: list[TableColumn] = field(default_factory=lambda: list(COLUMNS))
    refusal: Exception | None = None
    takes: float = 1.0
    asked: list[tuple[Statement, str, float]] = field(default_factory=list)

    def describe(self, table: str) -> list[TableColumn]:
        if not self.columns:
            raise UnloadRefused(f"Table {table} does not exist")
        return self.columns

    def ask(self, statement: Statement, tag: str, seconds: float) -> list[tuple[Any, ...]]:
        self.asked.append((statement, tag, seconds))
        self.clock.sleep(self.takes)
        if self.refusal is not None:
            raise self.refusal
        return self.counted if len(self.asked) == 1 else self.sample


@pytest.fixture
def questions() -> FakeQuestions:
    return FakeQuestions(FakeClock())


def unseen(_wanted: Slice, _columns: Sequence[Column]) -> Callable[[float], Unfit]:
    return lambda _seconds: ()


def step(questions: FakeQuestions, block_column: str | None = None, look: Look = unseen) -> EstimateSlice:
    catalog = Catalog((CatalogEntry("base.*.*", block_column=block_column),))
    return EstimateSlice(questions, look, catalog, 1_000, 20.0, questions.clock.monotonic)


def faults(questions: FakeQuestions, wanted: Slice) -> dict[tuple[str | int, ...], str]:
    with pytest.raises(SliceRefused) as refused:
        step(questions).run(wanted)
    return {fault.loc: fault.message for fault in refused.value.faults}


def test_rows_are_counted_and_some_are_shown_as_they_would_arrive(questions: FakeQuestions) -> None:
    questions.sample = [
        ("2026-03-01T00:00:00", "0xaa", Decimal(7), 1.5, '{"b": [1]}'),
        ("2026-03-02T00:00:00", None, None, float("nan"), None),
    ]
    facts = step(questions).run(WANTED)
    assert (facts.rows, facts.unmatched, facts.chunk_bytes) == (3, (), 1_000)
    assert facts.sample == (
        '{"block_timestamp":"2026-03-01T00:00:00","token":"0xaa","amount":7,"ratio":1.5,"info":{"b": [1]}}',
        '{"block_timestamp":"2026-03-02T00:00:00","token":null,"amount":null,"ratio":null,"info":null}',
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[1,undefined,3]", "[1,null,3]"),
        ('[NaN, -Infinity, "NaN"]', '[null, null, "NaN"]'),
        ("1e400", "1e400"),
        ("12345678901234567890.123", "12345678901234567890.123"),
        ("9" * 5_000, "9" * 5_000),
        ('{\n  "ü": "\\u00fc"\n}', '{   "ü": "\\u00fc" }'),
    ],
)
def test_values_of_json_are_shown_as_they_are_delivered(
    questions: FakeQuestions, text: str, shown: str
) -> None:
    questions.sample = [(text,)]
    facts = step(questions).run(replace(WANTED, chosen=(Choice("info"),)))
    assert facts.sample == (f'{{"info":{shown}}}',)
    assert embeddable(text.encode()).decode() == shown


@pytest.mark.parametrize("text", ["[1", "[" * 100_000 + "]" * 100_000])
def test_a_value_that_no_delivery_could_send_is_a_fault(questions: FakeQuestions, text: str) -> None:
    questions.sample = [(text,)]
    found = faults(questions, replace(WANTED, chosen=(Choice("info"),)))
    assert found == {("table",): "Column info holds text that is not JSON, or nested too deep"}


def test_both_questions_are_bounded_and_carry_the_organizations_tag(questions: FakeQuestions) -> None:
    questions.counted = [(3, "0xaa")]
    step(questions).run(replace(WANTED, filter_column="token", filter_values=("0xaa",)))
    (counting, *_), (sampling, *_) = questions.asked
    assert counting.text.startswith('SELECT COUNT(*), slice."TOKEN" FROM "BASE"."ASSETS"."T" AS slice WHERE')
    assert counting.text.endswith('slice."TOKEN" IN (%s) GROUP BY 2')
    assert sampling.text.endswith(f'slice."TOKEN" IN (%s) LIMIT {SAMPLE}')
    assert counting.values == sampling.values == (MARCH.start, MARCH.end, "0xaa")
    assert {tag for _, tag, _ in questions.asked} == {"beam-estimate-acme"}
    assert [seconds for _, _, seconds in questions.asked] == [20.0, 19.0]


def test_values_that_no_row_has_are_told_by_their_places(questions: FakeQuestions) -> None:
    questions.counted = [(5, "0xbb"), (2, "0xdd")]
    wanted = replace(WANTED, filter_column="token", filter_values=("0xaa", "0xbb", "0xcc", "0xdd"))
    facts = step(questions).run(wanted)
    assert (facts.rows, facts.unmatched) == (7, (0, 2))


def test_numbers_are_compared_as_numbers(questions: FakeQuestions) -> None:
    questions.counted = [(5, Decimal(10))]
    facts = step(questions).run(replace(WANTED, filter_column="amount", filter_values=("10", "11")))
    assert facts.unmatched == (1,)


def test_a_table_that_is_not_there_is_a_fault_of_the_table(questions: FakeQuestions) -> None:
    questions.columns = []
    assert list(faults(questions, WANTED)) == [("table",)]


def test_a_table_that_is_not_on_offer_is_not_asked_for(questions: FakeQuestions) -> None:
    assert list(faults(questions, replace(WANTED, table="other.assets.t"))) == [("table",)]
    assert questions.asked == []


def test_everything_that_the_table_lacks_is_told_at_once(questions: FakeQuestions) -> None:
    wanted = replace(
        WANTED,
        filter_column="tokken",
        filter_values=("0xaa",),
        chosen=(Choice("token"), Choice("amuont"), Choice("nothing", "as_this")),
        keys=((1, "key_column", "token"), (2, "ordering_key_column", "unique")),
        window=replace(MARCH, partition_key="block"),
    )
    assert list(faults(questions, wanted)) == [
        ("backfill_window", "partition_key"),
        ("filter", "column"),
        ("columns", 1),
        ("columns", 2, "column"),
        ("destinations", 2, "ordering_key_column"),
    ]


def test_a_value_that_the_column_can_not_have_is_a_fault_of_the_values(questions: FakeQuestions) -> None:
    wanted = replace(WANTED, filter_column="amount", filter_values=("much",))
    assert list(faults(questions, wanted)) == [("filter", "values")]


@pytest.mark.parametrize(("chosen", "loc"), [((), "table"), ((Choice("far"),), "columns")])
def test_a_column_without_a_mapping_is_a_fault(
    questions: FakeQuestions, chosen: tuple[Choice, ...], loc: str
) -> None:
    questions.columns = [*COLUMNS, TableColumn("FAR", "INTERVAL", 0)]
    assert list(faults(questions, replace(WANTED, chosen=chosen))) == [(loc,)]


def test_a_refusal_of_the_question_itself_is_a_fault_of_the_table(questions: FakeQuestions) -> None:
    questions.refusal = UnloadRefused("The service lacks a right")
    assert faults(questions, WANTED) == {("table",): "The service lacks a right"}


def test_a_warehouse_that_answers_nobody_is_not_available(questions: FakeQuestions) -> None:
    questions.refusal = WarehouseRefused("There is no credit left")
    with pytest.raises(Unavailable) as refused:
        step(questions).run(WANTED)
    assert "There is no credit left" in refused.value.detail


def test_so_is_one_that_does_not_describe_the_table(
    questions: FakeQuestions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe(_questions: FakeQuestions, _table: str) -> list[TableColumn]:
        raise WarehouseRefused("There is no warehouse")

    monkeypatch.setattr(FakeQuestions, "describe", describe)
    with pytest.raises(Unavailable):
        step(questions).run(WANTED)


def test_no_answer_in_time_is_no_answer(questions: FakeQuestions) -> None:
    questions.refusal = Unavailable("Snowflake")
    with pytest.raises(Unavailable):
        step(questions).run(WANTED)


def test_a_window_of_blocks_is_over_the_catalogs_column(questions: FakeQuestions) -> None:
    wanted = replace(WANTED, window=Window("block", "1", "9"))
    assert step(questions, "amount").run(wanted).rows == 3
    assert questions.asked[0][0].values == (1, 9)


@pytest.mark.parametrize(("takes", "waited"), [(1.0, 18.0), (15.0, 0.0)])
def test_destinations_are_looked_at_while_snowflake_answers(
    questions: FakeQuestions, takes: float, waited: float
) -> None:
    begun: list[int] = []
    seconds: list[float] = []

    def look(wanted: Slice, columns: Sequence[Column]) -> Callable[[float], Unfit]:
        begun.append(len(questions.asked))
        assert wanted.chosen == CHOSEN
        # As a job would record them.
        assert columns == [Column("sum", JsonKind.INTEGER, source="amount", type=TableType("FIXED"))]

        def ended(left: float) -> Unfit:
            seconds.append(left)
            return ((1, "No stream holds subject s"),)

        return ended

    questions.takes = takes
    facts = step(questions, look=look).run(replace(WANTED, chosen=CHOSEN))
    assert facts.unfit == ((1, "No stream holds subject s"),)
    assert (begun, seconds) == ([0], [waited])
