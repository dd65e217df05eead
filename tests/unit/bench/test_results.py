"""The benchmarks' calculations: pairing, ratios, verdicts and the published table."""

import json
from pathlib import Path

import pytest

from bench import report
from bench.figures import Figure, figure, ratio
from bench.kafka import figures
from bench.keys import KEYS
from bench.overhead_work import idle
from bench.rounds import paired

MACHINE = {
    "processor": "a processor",
    "cores_usable": 2,
    "memory_mib": 4096,
    "system": "Linux",
    "python": "3.11",
    "librdkafka": "2.16",
    "packages": {"pyarrow": "26"},
    "measured_core": 1,
    "other_core": 0,
    "load_before": 0.5,
    "load_after": 2.5,
}


def test_variants_run_once_a_round_in_turning_order() -> None:
    order: list[str] = []

    def variant(name: str) -> dict[str, float]:
        order.append(name)
        return {"place": len(order)}

    found = paired({"a": lambda: variant("a"), "b": lambda: variant("b"), "c": lambda: variant("c")}, 3)
    assert order == [*"abc", *"cba", *"abc"]
    assert [each["place"] for each in found["a"]] == [1, 6, 7]


def test_a_ratio_is_of_two_runs_of_one_round() -> None:
    fast, slow = [{"x": 10.0}, {"x": 100.0}, {"x": 30.0}], [{"x": 5.0}, {"x": 20.0}, {"x": 10.0}]
    assert ratio(fast, slow, "x") == Figure(median=3.0, min=2.0, max=5.0)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        ratio(fast, slow[:2], "x")


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        figure([])


def test_the_overhead_is_what_the_whole_costs_over_its_parts() -> None:
    found = {
        "product": [{"rows_per_s": 150.0, "cpu_us": 6.0}],
        "naive": [{"rows_per_s": 50.0, "cpu_us": 20.0}],
        "naive_with_dates": [{"rows_per_s": 40.0, "cpu_us": 25.0}],
        "encode": [{"rows_per_s": 300.0, "cpu_us": 3.0}],
        "ceiling": [{"rows_per_s": 200.0, "cpu_us": 2.0}],
    }
    answered = figures(found)
    assert answered["kafka_cpu_overhead"].median == pytest.approx(1.2)
    assert answered["kafka_vs_naive"].median == pytest.approx(3.0)
    assert answered["kafka_vs_naive_with_dates"].median == pytest.approx(3.75)
    assert answered["kafka_vs_ceiling"].median == pytest.approx(0.75)


def test_without_a_compiler_only_the_ceilings_ratios_are_missing() -> None:
    runs = [{"rows_per_s": 1.0, "cpu_us": 1.0}]
    answered = figures({"product": runs, "naive": runs, "naive_with_dates": runs, "encode": runs})
    assert "kafka_vs_naive" in answered
    assert not {"kafka_vs_ceiling", "kafka_cpu_overhead"} & set(answered)


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 10.0),
        ([(2.0, 4.0)], 8.0),
        ([(2.0, 6.0), (3.0, 4.0), (5.0, 7.0)], 5.0),
        ([(-5.0, 1.0), (9.0, 20.0)], 8.0),
        ([(11.0, 12.0)], 10.0),
        ([(0.0, 10.0)], 0.0),
    ],
)
def test_idle_is_what_no_span_covers(spans: list[tuple[float, float]], seconds: float) -> None:
    assert idle(spans, 0.0, 10.0) == pytest.approx(seconds)


def test_a_part_measured_anew_leaves_the_others_results() -> None:
    before = {"kafka_vs_naive": {"median": 1.0, "min": 1.0, "max": 1.0}, "machine": {}}
    after = report.merged(before, {"other": Figure(2.0, 1.0, 3.0)}, MACHINE)
    assert after["kafka_vs_naive"] == before["kafka_vs_naive"]
    assert after["other"] == {"median": 2.0, "min": 1.0, "max": 3.0}
    assert after["machine"] == MACHINE


def test_results_are_written_as_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / ".bench" / "results.json"
    assert report.read(path) == {}
    results = report.merged({}, {KEYS[0].name: Figure(4.0, 3.0, 5.0)}, MACHINE)
    report.write(path, results)
    assert report.read(path) == results == json.loads(path.read_text())


def test_the_table_tells_what_holds_and_what_is_missing() -> None:
    least = next(key for key in KEYS if key.least)
    most = next(key for key in KEYS if not key.least)
    results = {
        least.name: {"median": least.hold, "min": 0.0, "max": 9.0},
        most.name: {"median": most.hold + 1, "min": 0.0, "max": 9.0},
        "rows": {"median": 123_456.0, "min": 1.0, "max": 2.0},
        "machine": MACHINE,
    }
    lines = {line.split("|")[1].strip(" `"): line for line in report.table(results).splitlines()}
    assert lines[least.name].endswith("| held |")
    assert lines[most.name].endswith("| **missed** |")
    assert "123,456" in lines["rows"]
    assert all("not measured" in lines[key.name] for key in KEYS if key not in {least, most})
    assert not report.is_complete(results)


def test_a_bound_from_below_and_one_from_above() -> None:
    for key in KEYS:
        better = 1.01 if key.least else 0.99
        assert key.held(key.hold * better)
        assert not key.held(key.hold / better)
        assert key.stretched(key.stretch * better)


def test_publishing_replaces_what_stands_between_the_markers_and_nothing_else() -> None:
    text = f"# Title\n\n{report.BEGIN}\nlast time's\n{report.END}\n\nWords.\n"
    results = {"machine": MACHINE}
    published = report.publish(text, results)
    assert published.startswith(f"# Title\n\n{report.BEGIN}\n\n| figure")
    assert published.endswith(f"{report.END}\n\nWords.\n")
    assert "last time's" not in published
    assert "load over a minute 0.5 before and 2.5 after" in published
    assert report.publish(published, results) == published


@pytest.mark.parametrize("text", ["", report.BEGIN, report.END])
def test_a_document_without_a_place_is_left_alone(text: str) -> None:
    with pytest.raises(ValueError, match="no markers"):
        report.publish(text, {"machine": MACHINE})
