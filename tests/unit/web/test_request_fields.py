"""A job shows each field of its create request, and the client and its command line can give each."""

import click
import pytest

from backfills.cli.slice_flags import slice_options
from backfills.new import NewBackfill
from shared.web.answers import Backfill
from shared.web.models import CreateBackfill

FIELDS = sorted(CreateBackfill.model_fields)
SHOWN_AS = {"backfill_window": "partition_key", "filter": "filter_column"}
FLAGS = {"backfill_window": "start", "filter": "filters", "job_name": "name"}


@pytest.mark.parametrize("field", FIELDS)
def test_a_job_shows_it(field: str) -> None:
    assert SHOWN_AS.get(field, field) in Backfill.__annotations__, "shared/web/answers.py"


def test_the_client_has_the_same_fields() -> None:
    assert sorted(NewBackfill.model_fields) == FIELDS, "client/src/backfills/new.py"


@pytest.mark.parametrize("field", FIELDS)
def test_the_command_line_has_a_flag_for_it(field: str) -> None:
    command = click.command(slice_options(lambda: None))
    flags = {parameter.name for parameter in command.params}
    assert FLAGS.get(field, field) in flags, "client/src/backfills/cli/slice_flags.py, and body.py beside it"
