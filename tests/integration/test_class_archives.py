"""The Java programs of the stack start from the class archives that the setup made."""

import subprocess

import pytest

from infra.local import jvm, kafka_jars, toolchain

_CLASSES = {
    "kafka": f"{kafka_jars.FOLDER}/*",
    "firestore": str(toolchain.firestore_jar()),
    "pubsub": str(toolchain.pubsub_jar()),
}


@pytest.mark.parametrize("program", _CLASSES)
def test_the_archive_fits_the_program(program: str) -> None:
    if program == "kafka" and not kafka_jars.FOLDER.is_dir():
        pytest.skip("Kafka's jars are not installed: KAFKA_BOOTSTRAP names a broker")
    assert jvm.archive(program).is_file(), "the setup makes it: infra/local/class_archives.py"
    # The JVM refuses to start if it cannot map the archive.
    asked = [*jvm.command(program, "-Xmx512m"), "-Xshare:on", "-cp", _CLASSES[program], "-version"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_program_without_an_archive_starts_without_one() -> None:
    assert not [option for option in jvm.command("none") if "SharedArchiveFile" in option]
