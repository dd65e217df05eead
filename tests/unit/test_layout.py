"""The folders of the unit tests mirror the code, so that a module's tests are found by its path."""

from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def test_each_folder_of_tests_is_a_folder_of_the_code() -> None:
    folders = {file.parent.relative_to(HERE) for file in HERE.rglob("test_*.py")}
    unknown = {
        folder
        for folder in folders
        if not (ROOT / "shared" / folder).is_dir() and not (ROOT / folder).is_dir()
    }
    assert unknown == set()
