"""Only the logs of a stack with a fault outlive it."""

from pathlib import Path

import pytest

from tests.reliability.stack_folder import stack_folder


def _log(folder: Path, text: str) -> None:
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs/api.log").write_text(text)


def test_a_stacks_folder_ends_with_it(tmp_path: Path) -> None:
    with stack_folder("lane", tmp_path) as folder:
        _log(folder.path, "all well")
    assert not folder.path.exists()
    assert not list(tmp_path.iterdir())


def test_logs_are_kept_as_they_were_at_the_last_fault(tmp_path: Path) -> None:
    with stack_folder("lane", tmp_path) as folder:
        _log(folder.path, "a first fault")
        folder.keep_logs()
        _log(folder.path, "a second fault")
        folder.keep_logs()
    assert not folder.path.exists()
    assert (tmp_path / "lane/api.log").read_text() == "a second fault"


def test_logs_of_a_stack_that_an_error_ends_are_kept(tmp_path: Path) -> None:
    def end() -> None:
        with stack_folder("lane", tmp_path) as folder:
            _log(folder.path, "the end")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        end()
    assert (tmp_path / "lane/api.log").read_text() == "the end"


def test_a_stack_that_never_wrote_a_log_ends_with_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), stack_folder("lane", tmp_path):
        raise ZeroDivisionError
