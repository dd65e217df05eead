"""Makes the class archives of the Java programs: ``python -m infra.local.class_archives``.

Each program runs once, and writes its archive when it ends.
"""

import os
import tempfile
from pathlib import Path

from infra.local import jvm, kafka_jars
from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack


def main() -> None:
    jvm.ARCHIVES.mkdir(parents=True, exist_ok=True)
    programs = ["firestore", "pubsub", *(["kafka"] if kafka_jars.FOLDER.is_dir() else [])]
    for program in programs:
        jvm.archive(program).unlink(missing_ok=True)
    for program in programs:
        make(program)


def make(program: str) -> None:
    """Run a part of the stack and end it. Raises StackFailure if it does not start."""
    own_options = os.environ.get("JAVA_TOOL_OPTIONS", "")
    with tempfile.TemporaryDirectory(dir=jvm.ARCHIVES) as folder:
        written = Path(folder) / "classes.jsa"
        options = StackOptions(folder=Path(folder) / "stack", parts=frozenset({program}))
        try:
            os.environ["JAVA_TOOL_OPTIONS"] = f'{own_options} -XX:ArchiveClassesAtExit="{written}"'
            with LocalStack(options) as stack:
                stack.end(program)
        finally:
            os.environ["JAVA_TOOL_OPTIONS"] = own_options
        written.replace(jvm.archive(program))


if __name__ == "__main__":
    main()
