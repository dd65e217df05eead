"""The stack reads its environment once, and reports invalid values."""

import fcntl
import tempfile
from pathlib import Path

import pytest

from infra.local import ports
from infra.local.broker import settings
from infra.local.options import ROOT, SAMPLE_ROWS, OptionError, from_environment
from infra.local.ports import free_ports


def test_without_variables_the_stack_lies_in_the_repository_and_loads_the_sample() -> None:
    options = from_environment({})
    assert options.folder == ROOT / ".stack"
    assert (options.data, options.rows) == (None, SAMPLE_ROWS)


def test_empty_variables_are_as_good_as_none() -> None:
    # make exports the variables that it names, even if they are unset
    empty = dict.fromkeys(("DATA", "ROWS", "STACK_DIR", "KAFKA_BOOTSTRAP", "CONCURRENCY"), "")
    assert from_environment(empty) == from_environment({})


def test_variables_name_folder_data_and_broker(tmp_path: Path) -> None:
    data = tmp_path / "transfers.csv"
    data.touch()
    options = from_environment(
        {"STACK_DIR": str(tmp_path), "DATA": str(data), "CONCURRENCY": "3", "KAFKA_BOOTSTRAP": "kafka:9092"}
    )
    assert (options.folder, options.data) == (tmp_path, data)
    assert options.concurrency["deliver"] == 3
    assert not options.has("kafka")


@pytest.mark.parametrize(("name", "value"), [("ROWS", "many"), ("ROWS", "0"), ("DATA", "/no/such/file")])
def test_a_variable_that_can_not_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(OptionError, match=f"{name}={value}"):
        from_environment({name: value})


def test_ports_are_different_and_below_the_source_ports_of_connections() -> None:
    found = free_ports(20)
    assert len(set(found)) == 20
    assert max(found) < 32_768


def test_ports_that_another_process_was_given_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(ports, "_claimed", [])
    monkeypatch.setattr(ports, "_FIRST", 31_960)
    with (tmp_path / "backfills-ports-31960").open("w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        assert min(free_ports(15)) >= 31_980
        with pytest.raises(OSError, match="fewer than 15"):
            free_ports(15)


def test_kafka_creates_no_topic_by_itself_and_lists_its_address_to_clients() -> None:
    properties = settings(Path("/logs"), 21_000, 21_001, 21_002)
    assert properties["auto.create.topics.enable"] == "false"
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:21002"
