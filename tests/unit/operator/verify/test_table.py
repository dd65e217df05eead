"""The slice that `verify --table` unloads leaves no files behind, however the comparison ends."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from google.api_core.exceptions import Forbidden

from shared.domain.catalog import BASE_TABLES
from shared.domain.errors import Unavailable
from shared.operator.verify.table import Table, Unloaded
from shared.steps.ports import UnloadState
from tests.fakes.clock import FakeClock
from tests.fakes.examples import KAFKA, new_job
from tests.fakes.files import FakeStagedFiles
from tests.fakes.jobs import FakeJobs
from tests.fakes.rows import read_numbered_rows
from tests.fakes.warehouse import FakeWarehouse, transfers


@dataclass(slots=True)
class SlowToEnd(FakeWarehouse):
    """An aborted query goes on for ``endings`` more polls, and then writes a file."""

    endings: int = 3
    ending: list[str] = field(default_factory=list)

    def abort(self, query_id: str) -> None:
        self.ending.append(query_id)

    def state(self, query_id: str) -> UnloadState:
        if query_id not in self.ending:
            return FakeWarehouse.state(self, query_id)
        self.endings -= 1
        if self.endings > 0:
            return UnloadState.RUNNING
        query = self.queries[query_id]
        query.polls_left = 0
        FakeWarehouse.state(self, query_id)
        query.files = []  # it writes once
        return UnloadState.FAILED


@dataclass
class Unloading:
    """``told``: what the operator hears of files that remain."""

    warehouse: FakeWarehouse
    files: FakeStagedFiles
    clock: FakeClock = field(default_factory=FakeClock)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    told: list[str] = field(default_factory=list)

    def of_a_job(self, sleep: Callable[[float], None] | None = None) -> AbstractContextManager[Unloaded]:
        job = new_job(key_column="unique_id")
        self.jobs.create(job, [])
        table = Table(
            jobs=self.jobs,
            unloads=self.warehouse,
            files=self.files,
            read_rows=read_numbered_rows,
            catalog=BASE_TABLES,
            snowflake_stage="BASE.ASSETS.STAGED",
            file_bytes=1 << 20,
            new_id=uuid4,
            now=self.clock.now,
            sleep=sleep or self.clock.sleep,
            tell=self.told.append,
        )
        return table.of(job)

    def interrupted(self) -> None:
        """Interrupt the wait for the unload, as Ctrl-C does."""
        interrupts = [KeyboardInterrupt()]

        def sleep(seconds: float) -> None:
            if interrupts:
                raise interrupts.pop()
            self.clock.sleep(seconds)

        with pytest.raises(KeyboardInterrupt), self.of_a_job(sleep):
            pass


def unloading(
    kind: type[FakeWarehouse] = FakeWarehouse, files: FakeStagedFiles | None = None, **fields: Any
) -> Unloading:
    files = files or FakeStagedFiles()
    return Unloading(kind(transfers(13), rows_per_file=5, bucket=files, **fields), files)


def test_a_slice_is_read_and_its_files_are_removed() -> None:
    one = unloading(polls=2)
    with one.of_a_job() as unloaded:
        assert len(list(unloaded.rows(KAFKA))) == 13
        assert len(one.files.contents) == 3
    assert (one.files.contents, one.told) == ({}, [])


def test_the_files_go_once_an_interrupted_unload_has_ended() -> None:
    one = unloading(SlowToEnd, polls=5)
    one.interrupted()
    (query_id,) = one.warehouse.queries
    wait = iter(range(10))
    while one.warehouse.state(query_id) is UnloadState.RUNNING:
        next(wait)
    assert (one.files.contents, one.told) == ({}, [])


def test_an_unload_that_does_not_end_is_told_of() -> None:
    one = unloading(SlowToEnd, polls=5, endings=100)
    one.interrupted()
    (told,) = one.told
    assert "may stay until the staging bucket's lifecycle removes them" in told


def test_the_files_go_also_if_snowflake_no_longer_answers() -> None:
    one = unloading()
    with one.of_a_job():
        one.warehouse.down = True
    assert one.files.contents == {}
    assert len(one.told) == 1


@dataclass(slots=True)
class Undeletable(FakeStagedFiles):
    """A bucket that keeps its files."""

    error: Exception | None = None

    def delete(self, prefix: str) -> None:
        raise self.error or AssertionError(prefix)


@pytest.mark.parametrize(
    "error",
    [Unavailable("the staging bucket"), Forbidden("no permission")],  # type: ignore[no-untyped-call]
    ids=["unavailable", "forbidden"],
)
def test_a_bucket_that_keeps_its_files_does_not_hide_the_result(error: Exception) -> None:
    one = unloading(files=Undeletable(error=error))
    with one.of_a_job():
        pass
    (prefix,) = {path.rpartition("/")[0] for path in one.files.contents}
    assert one.told == [f"files under {prefix}/ may stay until the staging bucket's lifecycle removes them"]
