"""Sessions: a login's connection and its parameters."""

from __future__ import annotations

import itertools
import re
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_snowflake.engine import Connection, Engine

_ALTER = re.compile(r"\s*ALTER\s+SESSION\s+(SET|UNSET)\s+(.*?)[\s;]*$", re.IGNORECASE | re.DOTALL)
_ASSIGNMENT = re.compile(r"(\w+)\s*=\s*(?:'((?:[^'\\]|''|\\.)*)'|([^\s,]+))", re.DOTALL)


@dataclass
class Session:
    """One login. Its connection runs one statement at a time. Asynchronous statements get their own."""

    id: int
    connection: Connection
    role: str = "SYSADMIN"
    warehouse: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def parameter(self, name: str, statement: Mapping[str, Any]) -> str:
        """Return a parameter's value: the statement's own, otherwise the session's, otherwise empty."""
        return str(statement.get(name, self.parameters.get(name, "")))

    def alter(self, text: str) -> bool:
        """Apply an ALTER SESSION. Return whether the text is one. Unknown parameters are stored, too."""
        match = _ALTER.match(text)
        if match is None:
            return False
        if match[1].upper() == "UNSET":
            for name in re.split(r"[\s,]+", match[2]):
                self.parameters.pop(name.upper(), None)
            return True
        for name, quoted, bare in _ASSIGNMENT.findall(match[2]):
            value = bare or re.sub(r"''|\\(.)", lambda found: found[1] or "'", quoted)
            self.parameters[name.upper()] = value
            if name.upper() == "AUTOCOMMIT":
                self.connection.autocommit(value.upper() == "TRUE")
        return True


class Sessions:
    """Open sessions by token."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: dict[str, Session] = {}
        self._ids = itertools.count(1)

    def open(
        self, database: str | None, schema: str | None, parameters: Mapping[str, Any]
    ) -> tuple[str, Session]:
        """Log in. Return the session and its token."""
        session = Session(next(self._ids), self._engine.open(database, schema))
        session.parameters.update({name.upper(): str(value) for name, value in parameters.items()})
        token = secrets.token_urlsafe(32)
        self._sessions[token] = session
        return token, session

    def get(self, token: str) -> Session | None:
        return self._sessions.get(token)

    def close(self, token: str) -> None:
        """Log out. Asynchronous queries have their own connections and continue."""
        if session := self._sessions.pop(token, None):
            with session.lock:
                session.connection.close()
