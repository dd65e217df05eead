"""Makes the class archives of the Java programs: ``python -m infra.local.class_archives``.

Each program runs once, and writes its archive when it ends.
"""

import os
import tempfile
from pathlib import Path

from infra.local import jvm, kafka_jars
from infra.local.crew import StackFailure
from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack


def main() -> None:
    jvm.ARCHIVES.mkdir(parents=True, exist_ok=True)
    for program in ("kafka", "firestore", "pubsub"):
        jvm.archive(program).unlink(missing_ok=True)
        if program != "kafka" or kafka_jars.FOLDER.is_dir():
            make(program)


def make(program: str) -> None:
    """Run a part of the stack and end it. If that fails, there is no archive."""
    with tempfile.TemporaryDirectory(dir=jvm.ARCHIVES) as folder:
        written = Path(folder) / "classes.jsa"
        os.environ["JAVA_TOOL_OPTIONS"] = f"-XX:ArchiveClassesAtExit={written}"
        options = StackOptions(folder=Path(folder) / "stack", parts=frozenset({program}))
        try:
            with LocalStack(options) as stack:
                stack.end(program)
        except StackFailure as failure:
            print(f"{program} will start without a class archive: {failure}")
        if written.is_file():
            written.replace(jvm.archive(program))


if __name__ == "__main__":
    main()
