"""A whole local stack: all parts start together, are filled with resources and data, and end together.
`with LocalStack(StackOptions(folder=folder)) as stack:` gives its ``endpoints``.
"""

import fcntl
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import IO, Any, Self

from infra.local import endpoints, kafka_rights, names, parts, resources, table
from infra.local.crew import Crew, StackFailure
from infra.local.layout import Layout
from infra.local.options import ALL_PARTS, StackOptions
from infra.local.scheduler import Scheduler


class LocalStack:
    """``endpoints`` has the content of `.stack/endpoints.json`. Start it from a thread that outlives it."""

    def __init__(self, options: StackOptions) -> None:
        self.options = options
        self.layout = Layout.of(options)
        self.endpoints: dict[str, Any] = endpoints.describe(options, self.layout)
        self._crew = Crew(self.layout.logs, options.ready_limit, self._publish)
        self._scheduler = Scheduler(self.layout.url("sweep"), options.sweep_pause)
        self._data: Future[Any] = Future()  # the path of the file to load
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and wait until it is ready; if one part fails, all are stopped."""
        self._take_folder()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every process. The logs stay."""
        self._scheduler.stop()
        self._crew.stop()
        self.layout.endpoints_file.unlink(missing_ok=True)
        if self._lock:
            self._lock.close()

    def pid(self, name: str) -> int | None:
        """Return the process id of a part, which leads the part's process group."""
        return self._crew.pid(name)

    def kill(self, name: str) -> None:
        """Send SIGKILL. Functions and the dispatcher restart at once. Other parts need ``restart``.

        To hold messages back, pause the dispatcher instead: the messages of a killed one are redelivered
        after ten seconds.
        """
        self._crew.kill(name)

    def end(self, name: str) -> None:
        """Ask a part to end, and give it as long as it had to start. ``stop`` is less patient."""
        self._crew.end(name)

    def pause(self, name: str) -> None:
        """Send SIGSTOP: the part keeps its connections and answers nothing."""
        self._crew.pause(name)

    def resume(self, name: str) -> None:
        self._crew.resume(name)

    def restart(self, name: str) -> None:
        """Kill a part, start it again on its port, wait until it is ready. Kafka keeps its topics."""
        self._crew.restart(name)

    def wait_ready(self, name: str) -> None:
        """Wait until a part is ready, for example after ``kill``."""
        self._crew.wait_ready(name)

    def wait_for_failure(self) -> str:
        """Wait until a part dies that cannot be restarted. Return the reason, for people."""
        self._crew.failed.wait()
        return self._crew.failure

    def _start(self) -> None:
        self.layout.clean()
        endpoints.write_secrets(self.options, self.layout, self.endpoints)
        for part in parts.build(self.options, self.layout):
            self._crew.run(part)
        with ThreadPoolExecutor(len(ALL_PARTS)) as pool:
            try:
                self._await_all(pool)
            except BaseException:
                self._crew.interrupt()  # otherwise the pool would wait for the other parts first
                raise
        self._crew.keep()
        self._publish()
        if self.options.has("sweep"):
            self._scheduler.start()

    def _await_all(self, pool: ThreadPoolExecutor) -> None:
        """Wait until every part is ready and filled; the dispatcher starts once its subscriptions exist."""
        if self.options.has("snowflake"):
            self._data = pool.submit(table.data_file, self.options)  # in parallel to the server's start
        waits = {name: pool.submit(self._prepare, name) for name in self._crew.names()}
        if self.options.has("dispatcher"):
            waits["pubsub"].result()
            self._crew.run(parts.dispatcher(self.options, self.layout))
            waits["dispatcher"] = pool.submit(self._prepare, "dispatcher")
        _raise_first_failure(list(waits.values()))

    def _prepare(self, name: str) -> None:
        self._crew.wait_ready(name)
        fill = self._fillings().get(name)
        if fill is None:
            return
        try:
            fill()
        except Exception as error:
            raise self._crew.blame(name, f"could not be filled ({error})") from error

    def _fillings(self) -> dict[str, Callable[[], object]]:
        return {
            "firestore": self._create_api_keys,
            "pubsub": lambda: resources.create_topics(self.options, self.layout),
            "gcs": lambda: resources.create_buckets(self.options, self.layout),
            "nats": lambda: resources.create_stream(self.layout),
            "kafka": self._create_external_topic,
            "sns": lambda: resources.create_sns_topic(self.layout.url("sns"), names.EXPORTS),
            "snowflake": lambda: table.load(self.layout, self._data.result()),
        }

    def _create_api_keys(self) -> None:
        resources.create_api_key(self.layout, self.endpoints["api_key"], names.ORGANIZATION)
        resources.create_api_key(self.layout, self.endpoints["second_api_key"], names.SECOND_ORGANIZATION)

    def _create_external_topic(self) -> None:
        if "external_kafka" in self.options.destinations:
            kafka_rights.create_external_topic(self.layout)

    def _publish(self) -> None:
        for name, function in self.endpoints["functions"].items():
            function["pid"] = self._crew.pid(name)
        endpoints.replace(self.layout.endpoints_file, self.endpoints)

    def _take_folder(self) -> None:
        self.layout.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.layout.folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StackFailure(
                f"a stack already runs in {self.layout.folder}: stop it, or set STACK_DIR to another folder"
            ) from None
        self._lock = lock


def _raise_first_failure(waits: list[Future[None]]) -> None:
    done, _ = wait(waits, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()
