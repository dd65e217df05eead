"""The part of the benchmarks that compares with other programs, as far as it needs none of them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import report
from bench.__main__ import PARTS, chosen
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
        "product": [{"warm": 200.0, "cold": 100.0, "steady": 210.0}],
        "spark": [{"warm": 80.0, "cold": 10.0, "steady": 100.0}],
        "polars": [{"warm": 100.0, "cold": 50.0}],
    }
    medians = {name: each.median for name, each in part.figures(found).items()}
    assert medians == {
        "kafka_vs_spark": 2.5,
        "kafka_vs_spark_cold": 10.0,
        "kafka_vs_spark_steady": 2.1,
        "kafka_vs_polars": 2.0,
        "kafka_vs_polars_cold": 2.0,
        "peers_product_warm_rows_per_s": 200.0,
        "peers_product_cold_rows_per_s": 100.0,
        "peers_product_steady_rows_per_s": 210.0,
        "peers_spark_warm_rows_per_s": 80.0,
        "peers_spark_cold_rows_per_s": 10.0,
        "peers_spark_steady_rows_per_s": 100.0,
        "peers_polars_warm_rows_per_s": 100.0,
        "peers_polars_cold_rows_per_s": 50.0,
    }


@pytest.mark.parametrize(
    ("topics", "measured"),
    [("ab", {"cold": 3.0, "warm": 5.0}), ("abcd", {"cold": 3.0, "warm": 5.0, "steady": 1.0})],
)
def test_cold_begins_before_the_process(
    topics: str, measured: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([13.0, 18.0, 20.0, 21.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    sent: list[tuple[str, str]] = []

    def send(path: str, settings: Mapping[str, Any], topic: str) -> None:
        sent.append((f"{path} to {settings['bootstrap.servers']}", topic))

    settings = {"bootstrap.servers": "broker"}
    assert run.measured(send, path="file", settings=settings, topics=list(topics), began=10.0) == measured
    assert sent == [("file to broker", topic) for topic in topics]


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
