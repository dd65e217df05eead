"""Serve the local Snowflake: ``python server.py --port PORT``, in the environment of requirements.txt.

STORAGE_EMULATOR_HOST names the server for unloads.
"""

from __future__ import annotations

import argparse

import uvicorn
from local_snowflake.controls import Controls
from local_snowflake.engine import Engine
from local_snowflake.local_routes import LocalRoutes
from local_snowflake.protocol import Protocol
from local_snowflake.queries import QueryLog
from local_snowflake.sessions import Sessions
from local_snowflake.staging import Staging
from local_snowflake.statements import Statements
from starlette.applications import Starlette


def application() -> Starlette:
    """Return one server with its own, empty databases."""
    queries = QueryLog()
    engine = Engine(queries)
    controls = Controls()
    statements = Statements(engine, queries, Staging(), controls)
    protocol = Protocol(Sessions(engine), statements, queries)
    return Starlette(routes=[*protocol.routes(), *LocalRoutes(engine, queries, controls).routes()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(application(), host="127.0.0.1", port=parser.parse_args().port, log_level="warning")


if __name__ == "__main__":
    main()
