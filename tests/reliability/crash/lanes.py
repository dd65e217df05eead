"""Parallel grounds, each with its own stack and thread, that work through cases."""

import queue
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from infra.local.supervisor import LocalStack
from tests.reliability.crash.check import check
from tests.reliability.crash.ground import Ground, options, prepare
from tests.reliability.crash.player import Case, Played, play
from tests.reliability.crash.scenarios import SCENARIOS
from tests.reliability.findings import Findings
from tests.reliability.stack_folder import StackFolder, stack_folder

Take = Callable[[Played, Findings], None]
Fail = Callable[[Case, Exception], None]


class Lanes:
    """``take`` gets each case's result, ``fail`` each case that did not finish."""

    def __init__(self, count: int, take: Take, fail: Fail) -> None:
        self._take = take
        self._fail = fail
        self._waiting: queue.Queue[Case | None] = queue.Queue()
        self._broken: list[Exception] = []
        # A stack ends with the thread that started it.
        self._threads = [threading.Thread(target=self._run, name=f"lane-{each}") for each in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def work(self, cases: Sequence[Case]) -> None:
        """Play all cases, each on a free lane; raises if no stack could start or keep running."""
        for case in cases:
            self._waiting.put(case)
        self._waiting.join()
        if self._broken:
            raise self._broken[0]

    def _run(self) -> None:
        try:
            name = f"crash-{threading.current_thread().name}"
            with stack_folder(name) as folder, LocalStack(options(folder.path)) as stack:
                ground = prepare(stack)
                # The first requests of all functions take seconds, which would count against the job.
                play(ground, Case(SCENARIOS[0]))
                while (case := self._next()) is not None:
                    self._play(ground, case, folder)
        except Exception as error:  # noqa: BLE001 - reported to the caller of work
            self._broken.append(error)
            while self._next() is not None:
                self._waiting.task_done()

    def _next(self) -> Case | None:
        case = self._waiting.get()
        if case is None:
            self._waiting.task_done()
        return case

    def _play(self, ground: Ground, case: Case, folder: StackFolder) -> None:
        try:
            played = play(ground, case)
            found = check(ground, played)
            if found.faults:
                folder.keep_logs()
            self._take(played, found)
        except Exception as error:  # noqa: BLE001 - one case's error is recorded, the others continue
            folder.keep_logs()
            self._fail(case, error)
        finally:
            self._waiting.task_done()
