"""The HTTP protocol of Snowflake's connectors: log in, send statements, fetch results, cancel."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fakesnow.converter import from_binding
from fakesnow.expr import normalise_ident
from fakesnow.transforms import SERVER_VERSION
from starlette.responses import JSONResponse
from starlette.routing import Route

from local_snowflake.failures import NOT_EXECUTING
from local_snowflake.queries import Query, QueryLog, Status
from local_snowflake.statements import Request as StatementRequest

if TYPE_CHECKING:
    from starlette.requests import Request

    from local_snowflake.sessions import Session, Sessions
    from local_snowflake.statements import Statements

_WAIT_SECONDS = 30  # after this time, the server tells the client to ask again
_IN_PROGRESS = "333333"
_IN_PROGRESS_ASYNC = "333334"
_SESSION_GONE = {"code": "390104", "message": "User must login again to access the service."}
_SIGN_IN_REFUSED = ("390144", "JWT token is invalid.")


@dataclass
class Protocol:
    """The routes that a connector calls."""

    sessions: Sessions
    statements: Statements
    queries: QueryLog

    def routes(self) -> list[Route]:
        return [
            Route("/session/v1/login-request", self._login, methods=["POST"]),
            Route("/session", self._session, methods=["POST"]),
            Route("/session/heartbeat", self._session, methods=["POST"]),
            Route("/telemetry/send", _accept, methods=["POST"]),
            Route("/queries/v1/query-request", self._query, methods=["POST"]),
            Route("/queries/v1/abort-request", self._abort_request, methods=["POST"]),
            Route("/queries/{query_id}/abort-request", self._abort, methods=["POST"]),
            Route("/queries/{query_id}/result", self._result),
            Route("/monitoring/queries/{query_id}", self._monitor),
            Route("/monitoring/queries//{query_id}", self._monitor),  # connector 5 writes two slashes
        ]

    async def _login(self, request: Request) -> JSONResponse:
        given = (await _body(request))["data"].get("SESSION_PARAMETERS") or {}
        database, schema = (
            normalise_ident(name) if (name := request.query_params.get(key)) else None
            for key in ("databaseName", "schemaName")
        )
        if self.statements.controls.has("sign-in refused"):
            return _refused(*_SIGN_IN_REFUSED)
        token, session = await asyncio.to_thread(self.sessions.open, database, schema, given)
        session.role = request.query_params.get("roleName") or session.role
        session.warehouse = request.query_params.get("warehouse")
        info = {
            "databaseName": database,
            "schemaName": schema,
            "warehouseName": session.warehouse,
            "roleName": session.role,
        }
        data = {
            "token": token,
            "masterToken": token,
            "validityInSeconds": 3600,
            "masterValidityInSeconds": 14400,
            "sessionId": session.id,
            "serverVersion": SERVER_VERSION,
            "displayUserName": "LOCAL",
            "firstLogin": False,
            "healthCheckInterval": 45,
            "parameters": [{"name": "AUTOCOMMIT", "value": True}, {"name": "TIMEZONE", "value": "Etc/UTC"}],
            "sessionInfo": info,
        }
        return _success(data)

    async def _session(self, request: Request) -> JSONResponse:
        token = _token(request)
        if self.sessions.get(token) is None:
            return _refused(**_SESSION_GONE)
        if request.query_params.get("delete"):
            await asyncio.to_thread(self.sessions.close, token)
        return _success(None)

    async def _query(self, request: Request) -> JSONResponse:
        session = self.sessions.get(_token(request))
        if session is None:
            return _refused(**_SESSION_GONE)
        body = await _body(request)
        bindings = body.get("bindings")
        sent = StatementRequest(
            text=body["sqlText"],
            request_id=request.query_params.get("requestId"),
            is_async=bool(body.get("asyncExec")),
            describe_only=bool(body.get("describeOnly")),
            bindings=[from_binding(bindings[str(n + 1)]) for n in range(len(bindings))] if bindings else None,
            parameters=body.get("parameters") or {},
        )
        query = self.statements.submit(session, sent)
        if sent.is_async:
            return _in_progress(query, _IN_PROGRESS_ASYNC)
        return await _outcome(query, session)

    async def _result(self, request: Request) -> JSONResponse:
        query = self.queries.get(request.path_params["query_id"])
        session = self.sessions.get(_token(request))
        if session is None:
            return _refused(**_SESSION_GONE)
        if query is None:
            return _refused("000709", f"Statement {request.path_params['query_id']} not found")
        return await _outcome(query, session)

    async def _monitor(self, request: Request) -> JSONResponse:
        if self.sessions.get(_token(request)) is None:
            return _refused(**_SESSION_GONE)
        query = self.queries.get(request.path_params["query_id"])
        return _success({"queries": [_monitored(query)] if query else []})

    async def _abort(self, request: Request) -> JSONResponse:
        return _aborted(self.queries.get(request.path_params["query_id"]))

    async def _abort_request(self, request: Request) -> JSONResponse:
        body = await _body(request)
        return _aborted(self.queries.of_request(body.get("requestId", "")))


async def _accept(_: Request) -> JSONResponse:
    return _success(None)


async def _body(request: Request) -> Any:
    raw = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        raw = gzip.decompress(raw)
    return json.loads(raw)


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix('Snowflake Token="').removesuffix('"')


async def _outcome(query: Query, session: Session) -> JSONResponse:
    """Wait for a query to end, but no longer than a client waits for a response."""
    await asyncio.wait([asyncio.wrap_future(query.ended)], timeout=_WAIT_SECONDS)
    if query.status is Status.RUNNING:
        return _in_progress(query, _IN_PROGRESS)
    if query.failure:
        data = {"queryId": query.id, "errorCode": query.failure.code, "sqlState": query.failure.sqlstate}
        return _refused(query.failure.code, query.failure.message, data)
    result = query.result
    if result is None:
        raise AssertionError("a query that has ended has a result or a failure")
    return _success(
        {
            "queryId": query.id,
            "parameters": [{"name": "TIMEZONE", "value": "Etc/UTC"}],
            "rowtype": result.row_types,
            "rowset": result.rows,
            "total": len(result.rows),
            "returned": len(result.rows),
            "queryResultFormat": "json",
            "statementTypeId": result.statement_type,
            "arrayBindSupported": False,
            "finalDatabaseName": session.connection.database,
            "finalSchemaName": session.connection.schema,
        }
    )


def _in_progress(query: Query, code: str) -> JSONResponse:
    data = {
        "queryId": query.id,
        "getResultUrl": f"/queries/{query.id}/result",
        "queryAbortsAfterSecs": 300,
        "progressDesc": None,
    }
    message = "Query execution in progress."
    return JSONResponse({"data": data, "code": code, "message": message, "success": True})


def _monitored(query: Query) -> dict[str, Any]:
    failure = query.failure
    return {
        "id": query.id,
        "status": query.status.value,
        "sqlText": query.text,
        "sessionId": query.session_id,
        "startTime": int(query.start_time.timestamp() * 1000),
        "endTime": int(query.end_time.timestamp() * 1000) if query.end_time else 0,
        "errorCode": failure.code if failure else None,
        "errorMessage": failure.message if failure else None,
    }


def _aborted(query: Query | None) -> JSONResponse:
    if query is not None and query.cancel():
        return _success(None)
    return _refused(NOT_EXECUTING.code, NOT_EXECUTING.message)


def _success(data: Any) -> JSONResponse:
    return JSONResponse({"data": data, "code": None, "message": None, "success": True})


def _refused(code: str, message: str, data: Any = None) -> JSONResponse:
    return JSONResponse({"data": data, "code": code, "message": message, "success": False})
