"""A session with Snowflake: one connection, opened when it is needed and again if its session is gone.

The connector's logger is limited to warnings, because it logs requests and answers at lower levels.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from snowflake.connector.errors import Error

from shared.adapters.snowflake_errors import is_session_gone, meaning
from shared.unload.statements import Statement

Answer = TypeVar("Answer")
OpenConnection = Callable[..., Any]

# Seconds. The function notices an unavailable Snowflake before its own deadline. The operator's own arguments
# take precedence.
_LIMITS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "connect_timeout": 5,
        "login_timeout": 15,
        "request_timeout": 15,
        "retry_timeout": 15,
        "query_timeout": 30,
        "retry_max_attempts": 3,
    }
)
# The unload's SQL relies on these settings, whatever the account's defaults are.
_SESSION: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "ABORT_DETACHED_QUERY": False,
        "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
        "TIMESTAMP_INPUT_FORMAT": "AUTO",
        "TIMEZONE": "UTC",
    }
)


class Session:
    """Threads may share a session: they share its connection, but no cursor.

    ``connect`` holds the arguments of the connector's ``connect()``. ``statement_timeout`` is the time limit
    of a statement in seconds.
    """

    def __init__(
        self, connect: Mapping[str, Any], *, statement_timeout: float, open_connection: OpenConnection
    ) -> None:
        self._open_connection = open_connection
        self._arguments = {
            **_LIMITS,
            **connect,
            "session_parameters": {
                **connect.get("session_parameters", {}),
                **_SESSION,
                "STATEMENT_TIMEOUT_IN_SECONDS": int(statement_timeout),
            },
            # The end of this session or of this process must not abort a running unload.
            "server_session_keep_alive": True,
            "enable_server_session_keep_alive_auto_detection": True,
            "auto_cleanup": False,
        }
        self._lock = threading.Lock()
        self._connection: Any = None
        logging.getLogger("snowflake.connector").setLevel(logging.WARNING)

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        def rows(connection: Any) -> list[tuple[Any, ...]]:
            found: list[tuple[Any, ...]] = (
                connection.cursor().execute(statement.text, statement.values).fetchall()
            )
            return found

        return self.ask(rows)

    def ask(self, question: Callable[[Any], Answer], subject: str = "The table") -> Answer:
        """Run the question in the session, or in a new session if the old one is gone."""
        connection = None
        try:
            connection = self._connected()
            return question(connection)
        except Error as error:
            if connection is None or not is_session_gone(error):
                # Omit the cause: a traceback would write the connector's text to the log.
                raise meaning(error, subject) from None
        self._forget(connection)
        try:
            return question(self._connected())
        except Error as error:
            raise meaning(error, subject) from None

    def close(self) -> None:
        """Close the connection. Running unloads continue."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Any:
        with self._lock:
            if self._connection is None:
                self._connection = self._open_connection(**self._arguments)
            return self._connection

    def _forget(self, connection: Any) -> None:
        with self._lock:
            if self._connection is connection:
                self._connection = None
