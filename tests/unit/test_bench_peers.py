"""The part of the benchmarks that compares with other programs, as far as it needs none of them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import report
from bench.__main__ import PARTS, chosen
from bench.figures import Figure
from bench.keys import KEYS
from bench.peers import installed, part, run

FOLDER = Path(part.__file__).parent


def test_only_who_names_the_peers_measures_them() -> None:
    assert "peers" not in chosen([])
    assert set(chosen([])) == set(PARTS) - {"peers"}
    assert chosen(["peers"]) == chosen(["kafka_vs_spark"]) == ["peers"]
    assert chosen(["nothing"]) == []


def test_the_documentation_is_complete_without_what_only_a_request_measures() -> None:
    results: dict[str, dict[str, float]] = {key.name: {} for key in KEYS if not key.on_request}
    assert report.is_complete(results)
    results.popitem()
    assert not report.is_complete(results)


@pytest.mark.parametrize("sender", [part.PRODUCT, *part.PEERS], ids=lambda sender: sender.name)
def test_each_sender_is_a_module_of_its_own(sender: part.Sender) -> None:
    source = (FOLDER / f"{sender.name}.py").read_text()
    assert "def send(path: str, settings: Mapping[str, Any], topic: str) -> None:" in source


def test_the_multiples_are_the_products_rows_over_the_peers() -> None:
    found = {
        "product": [{"warm_rows_per_s": 200.0, "cold_rows_per_s": 100.0}],
        "spark": [{"warm_rows_per_s": 80.0, "cold_rows_per_s": 10.0}],
    }
    answered = part.figures(found)
    assert answered["kafka_vs_spark"] == Figure(2.5, 2.5, 2.5)
    assert answered["kafka_vs_spark_cold"].median == pytest.approx(10.0)
    assert answered["peers_product_warm_rows_per_s"].median == pytest.approx(200.0)
    assert answered["peers_spark_cold_rows_per_s"].median == pytest.approx(10.0)
    assert "kafka_vs_product" not in answered


def test_cold_begins_with_the_process_and_warm_with_the_last_file(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([13.0, 18.0, 20.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    sent: list[tuple[str, str]] = []

    def send(path: str, settings: Mapping[str, Any], topic: str) -> None:
        sent.append((f"{path} to {settings['bootstrap.servers']}", topic))

    measured = run.measured(
        send, path="file", settings={"bootstrap.servers": "broker"}, topics=["a", "b", "c"], began=10.0
    )
    assert measured == {"cold_s": 3.0, "warm_s": 2.0}
    assert sent == [("file to broker", topic) for topic in "abc"]


def test_a_peer_that_this_machine_cannot_run_is_named_with_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    faults = installed.lacking()
    assert set(faults) == {"spark", "polars_kcat"}
    assert all("apt-get install" in fault for fault in faults.values())
    for program in ("mvn", "kafkacat"):
        (tmp_path / program).touch(mode=0o755)
    assert installed.lacking() == {}


def test_spark_and_its_connector_have_one_version() -> None:
    pinned = re.search(r"^pyspark==(\S+)", installed.REQUIREMENTS.read_text(), re.MULTILINE)
    named = ET.parse(installed.POM).find(".//{*}spark.version")  # noqa: S314 - our own file
    assert pinned
    assert named is not None
    assert named.text == pinned[1]
