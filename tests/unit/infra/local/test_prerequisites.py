"""Each missing prerequisite is named in one line, with the way to get it."""

from pathlib import Path

import pytest

from infra.local import prerequisites, toolchain


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH, and no Cloud SDK in the usual places."""
    for name in ("JAVA_HOME", "CLOUDSDK_ROOT_DIR", "KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(toolchain, "_USUAL_PLACES", ())
    return tmp_path


def put_command(folder: Path, name: str, script: str) -> None:
    command = folder / name
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)


def test_a_bare_machine_lacks_java_maven_and_both_emulators(bare_machine: Path) -> None:
    assert list(bare_machine.iterdir()) == []
    faults = prerequisites.missing()
    assert [fault.split(" is missing")[0] for fault in faults] == [
        "Java 17 or newer",
        "Maven (mvn)",
        "Google's Firestore emulator",
        "Google's Pub/Sub emulator",
    ]
    assert all("install" in fault for fault in faults)


def test_an_old_java_is_named_with_its_version(bare_machine: Path) -> None:
    put_command(bare_machine, "java", """echo 'openjdk version "11.0.2" 2019-01-15' >&2""")
    java = next(fault for fault in prerequisites.missing() if "Java" in fault)
    assert "11.0.2" in java


def test_maven_is_not_needed_beside_a_kafka_that_runs_already(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_command(bare_machine, "java", """echo 'openjdk version "21" 2023-09-19' >&2""")
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "kafka.example:9092")
    assert [fault for fault in prerequisites.missing() if "emulator" not in fault] == []


def test_emulators_are_found_where_the_environment_says(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for jar in (toolchain.FIRESTORE_JAR, toolchain.PUBSUB_JAR.replace("*", "1.0")):
        (bare_machine / jar).parent.mkdir(parents=True)
        (bare_machine / jar).touch()
    monkeypatch.setenv("CLOUDSDK_ROOT_DIR", str(bare_machine))
    assert not [fault for fault in prerequisites.missing() if "emulator" in fault]


def test_gcloud_is_asked_where_it_is_installed(
    bare_machine: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("sdk")
    (root / toolchain.FIRESTORE_JAR).parent.mkdir(parents=True)
    (root / toolchain.FIRESTORE_JAR).touch()
    put_command(bare_machine, "gcloud", f"echo {root}")
    assert toolchain.firestore_jar() == root / toolchain.FIRESTORE_JAR


def test_an_old_python_is_named_with_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "OLDEST_PYTHON", (99, 0))
    assert any("newer is missing (this one is 3." in fault for fault in prerequisites.missing())
