"""Snowflake's errors: messages that a client can act on, and retries of temporary ones."""

import pytest
from snowflake.connector.errors import DatabaseError, Error, InternalError, OperationalError, ProgrammingError

from shared.adapters.snowflake_errors import is_session_gone, meaning
from shared.domain.errors import Unavailable, UnloadRefused, WarehouseRefused


def programming_error(errno: int, sqlstate: str | None, text: str) -> ProgrammingError:
    return ProgrammingError(msg=text, errno=errno, sqlstate=sqlstate, sfqid="01b2")


@pytest.mark.parametrize(
    ("errno", "sqlstate", "text", "message"),
    [
        (
            2003,
            "42S02",
            "SQL compilation error:\nObject 'BASE.ASSETS.SECRET' does not exist or not authorized.",
            "The table does not exist in Snowflake, or the service may not read it. Check the name; ",
        ),
        (
            2043,
            "02000",
            "SQL compilation error:\nObject does not exist",
            "The table does not exist in Snowflake",
        ),
        (
            904,
            "42000",
            "SQL compilation error: error line 1 at position 7\ninvalid identifier 'TOKN'",
            "Snowflake knows no column TOKN in the table. Check the names",
        ),
        (904, "42000", "SQL compilation error: something new", "Snowflake knows no column in the table."),
        (
            3001,
            "42501",
            "SQL access control error:\nInsufficient privileges to operate",
            "lacks a Snowflake privilege",
        ),
        (606, "57P03", "No active warehouse selected in the current session.", "has no Snowflake warehouse"),
        (
            630,
            "57014",
            "Statement reached its statement or warehouse timeout of 14400 second(s) and was canceled.",
            "The export exceeded its time limit. Split the window",
        ),
        (
            90073,
            "22000",
            "Warehouse 'WH' cannot be resumed because resource monitor 'RM' has exceeded its quota.",
            "Snowflake's credit quota for exports is used up",
        ),
        (
            1003,
            "42000",
            "SQL compilation error:\nsyntax error",
            "refuses the export with error 001003",
        ),
        (100038, "22018", "Numeric value 'abc' is not recognized", "with error 100038"),
        (2, "0A000", "Unsupported feature 'X'.", "error 000002"),
        (4711, None, "SQL compilation error: of a number nobody knows", "error 004711"),
    ],
)
def test_what_snowflake_will_always_refuse_fails_the_job_with_advice(
    errno: int, sqlstate: str | None, text: str, message: str
) -> None:
    error = meaning(programming_error(errno, sqlstate, text))
    assert isinstance(error, UnloadRefused)
    assert isinstance(error, WarehouseRefused) == (errno in {606, 630} or "credit" in message)
    assert message in error.message
    for unspeakable in ("SECRET", "RM", "'abc'", "SELECT", "position"):
        assert unspeakable not in error.message


def test_the_subject_names_the_table_where_it_is_known() -> None:
    error = meaning(programming_error(2003, "42S02", "Object does not exist"), "Table base.assets.t")
    assert error.message.startswith("Table base.assets.t does not exist in Snowflake")


@pytest.mark.parametrize(
    "error",
    [
        OperationalError(msg="HTTP request failed after retries", errno=4),
        OperationalError(msg="SQL compilation error: only the transport's words", errno=4),
        DatabaseError(msg="Failed to login: Connection refused", errno=250001, sqlstate="08001"),
        InternalError(msg="Async query did not report a queryId", errno=6),
        programming_error(604, "57014", "SQL execution canceled"),
        programming_error(603, "XX000", "SQL execution internal error: Processing aborted by error 300010"),
        programming_error(709, None, "Statement 01b2 not found"),
        programming_error(-1, None, ""),
    ],
)
def test_what_may_pass_is_tried_again(error: Error) -> None:
    assert isinstance(meaning(error), Unavailable)


def test_the_operator_reads_which_error_of_which_query_it_was() -> None:
    error = meaning(programming_error(2003, "42S02", "Object 'X' does not exist"))
    assert error.detail == "ProgrammingError 2003 (42S02) of query 01b2: Object 'X' does not exist"


def test_not_even_the_operators_log_gets_values() -> None:
    error = meaning(programming_error(100038, "22018", "Numeric value 'abc' is not recognized"))
    assert error.detail == "ProgrammingError 100038 (22018) of query 01b2"


@pytest.mark.parametrize("errno", [390104, 390111, 390112, 390114, 390195, 250002])
def test_a_session_that_is_gone_is_recognized(errno: int) -> None:
    assert is_session_gone(programming_error(errno, None, "log in again"))


@pytest.mark.parametrize("errno", [904, 250001, 4, -1])
def test_other_errors_are_not_of_the_session(errno: int) -> None:
    assert not is_session_gone(programming_error(errno, None, "something else"))
