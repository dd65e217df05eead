"""A stack starts whole or not at all, beside others, and leaves no process behind however it ends."""

import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from infra.local.crew import StackFailure
from infra.local.options import FUNCTIONS, ROOT, StackOptions
from infra.local.parts import MissingPart
from infra.local.supervisor import LocalStack
from tests.integration.toy_functions import living_in, wait_until, write_toys

pytestmark = pytest.mark.emulator

RUN_UNTIL_KILLED = """
import sys
from pathlib import Path
from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack
folder, functions = map(Path, sys.argv[1:])
parts = frozenset({"api", "gcs"})
with LocalStack(StackOptions(folder=folder, functions_folder=functions, parts=parts)) as stack:
    print("READY", flush=True)
    stack.wait_for_failure()
"""


@pytest.fixture
def options(tmp_path: Path) -> StackOptions:
    """Two parts that start in no time: one function, and the server that ignores SIGTERM."""
    toys = write_toys(tmp_path / "functions")
    return StackOptions(
        folder=tmp_path / "stack", functions_folder=toys.folder, parts=frozenset({"api", "gcs"})
    )


def test_a_stack_that_is_stopped_leaves_its_logs_and_no_process(options: StackOptions) -> None:
    with LocalStack(options) as stack:
        assert stack.layout.endpoints_file.exists()
        assert len(living_in(options.folder)) >= 2
    wait_until(lambda: living_in(options.folder) == [])
    assert not stack.layout.endpoints_file.exists()
    assert (stack.layout.logs / "api.log").exists()


def test_a_paused_part_is_ended_too(options: StackOptions) -> None:
    with LocalStack(options) as stack:
        stack.pause("api")
    wait_until(lambda: living_in(options.folder) == [])


def test_a_supervisor_that_is_killed_takes_every_process_with_it(options: StackOptions) -> None:
    command = [sys.executable, "-c", RUN_UNTIL_KILLED, str(options.folder), str(options.functions_folder)]
    with subprocess.Popen(  # noqa: S603 - the command is this test's own
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "READY\n"
        assert len(living_in(options.folder)) >= 3
        supervisor.kill()
    wait_until(lambda: living_in(options.folder) == [])


def test_a_function_that_does_not_start_is_named_with_its_last_words(options: StackOptions) -> None:
    (options.functions_folder / "api" / "main.py").write_text("raise RuntimeError('no such thing')")
    with pytest.raises(StackFailure, match=r"(?s)^api ended with status 1.*no such thing"):
        LocalStack(options).start()
    wait_until(lambda: living_in(options.folder) == [])


def test_a_function_that_is_missing_is_named(options: StackOptions) -> None:
    (options.functions_folder / "api" / "main.py").unlink()
    with pytest.raises(MissingPart, match="function api"):
        LocalStack(options).start()
    wait_until(lambda: living_in(options.folder) == [])


def test_a_part_that_is_never_ready_is_named(options: StackOptions) -> None:
    impatient = StackOptions(
        folder=options.folder,
        functions_folder=options.functions_folder,
        parts=options.parts,
        ready_limit=0.0,
    )
    with pytest.raises(StackFailure, match="was not ready after 0 s"):
        LocalStack(impatient).start()
    wait_until(lambda: living_in(options.folder) == [])


def test_a_server_that_dies_is_reported_with_its_name(options: StackOptions) -> None:
    with LocalStack(options) as stack:
        pid = stack.pid("gcs")
        assert pid is not None
        psutil.Process(pid).kill()
        assert stack.wait_for_failure().startswith(f"gcs died with status {-signal.SIGKILL}")


def test_a_stack_whose_folder_is_removed_says_so_at_the_next_death(options: StackOptions) -> None:
    with LocalStack(options) as stack:
        shutil.rmtree(options.folder)
        stack.kill("api")
        assert "can't keep running" in stack.wait_for_failure()


def test_a_server_that_is_killed_on_purpose_stays_down_until_it_is_restarted(options: StackOptions) -> None:
    port = 0
    with LocalStack(options) as stack:
        port = stack.layout.ports["gcs"]
        stack.kill("gcs")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        stack.restart("gcs")
        socket.create_connection(("127.0.0.1", port)).close()


def test_a_second_stack_runs_beside_the_first_in_another_folder_only(
    options: StackOptions, tmp_path: Path
) -> None:
    second = StackOptions(
        folder=tmp_path / "second", functions_folder=options.functions_folder, parts=options.parts
    )
    with LocalStack(options) as stack:
        with pytest.raises(StackFailure, match="STACK_DIR"):
            LocalStack(options).start()
        with LocalStack(second) as other:
            assert other.endpoints["api_url"] != stack.endpoints["api_url"]
        assert stack.layout.endpoints_file.exists()


def test_a_start_is_from_nothing_but_touches_only_what_a_stack_made(options: StackOptions) -> None:
    assert set(options.parts) < {*FUNCTIONS, "gcs"}
    (options.folder / "data").mkdir(parents=True)
    (options.folder / "data" / "old").touch()
    (options.folder / "letter.txt").touch()
    with LocalStack(options):
        assert not (options.folder / "data" / "old").exists()
        assert (options.folder / "letter.txt").exists()
