"""A function's parts are built once per process, at its first request."""

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.bootstrap.once import Once

FUNCTIONS = sorted((Path(__file__).parents[3] / "functions").glob("*/main.py"))


def test_whichever_requests_come_first_all_get_the_same_part() -> None:
    once = Once(object)
    with ThreadPoolExecutor(8) as pool:
        parts = set(pool.map(lambda _: once(), range(32)))
    assert len(parts) == 1


def test_nothing_is_built_before_the_first_request() -> None:
    built: list[int] = []
    Once(lambda: built.append(1))
    assert built == []


def test_garbage_is_collected_again_after_a_build_that_failed() -> None:
    def fail() -> None:
        assert not gc.isenabled()
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        Once(fail)()
    assert gc.isenabled()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_function_imports_without_collections_and_collects_afterwards(function: Path) -> None:
    lines = function.read_text().splitlines()
    imports = [line for line in lines if line.startswith("from shared")]
    assert imports[0].startswith("from shared.bootstrap import cold_start")
    assert "cold_start.over()" in lines
