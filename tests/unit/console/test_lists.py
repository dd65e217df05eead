"""The console's own lists of kinds and fields, compared with the models of the API."""

import json
import re
from pathlib import Path

from shared import console
from shared.destinations import KINDS
from shared.web.answers import Backfill
from shared.web.models import CreateBackfill

STATIC = Path(console.__file__).parent / "static"
# Kinds whose names in the API, with a capital letter, are what people call them.
NAMED_AS_THEY_ARE = {"kafka", "webhook"}
# The fields of a request that the job's page shows elsewhere than among the options.
SHOWN = {
    "job_name": "as the heading",
    "table": "as Table",
    "backfill_window": "as Window",
    "filter": "as Filter",
    "columns": "as Columns",
    "static_egress_ip": "as Fixed addresses",
    "destinations": "as cards of their own",
}


def words(module: str, declared: str) -> list[str]:
    """Return the texts of a list or a set in a module."""
    (text,) = re.findall(rf"const {declared} = (?:new Set\()?(\[[^\]]*\])", (STATIC / module).read_text())
    found: list[str] = json.loads(text)
    return found


def test_every_kind_of_destination_has_a_name_for_people() -> None:
    (text,) = re.findall(r"const KINDS = \{(.*?)\}", (STATIC / "format.js").read_text())
    named = set(re.findall(r"(\w+): \"", text))
    assert named | NAMED_AS_THEY_ARE == KINDS.keys(), "KINDS in format.js, or NAMED_AS_THEY_ARE above"
    assert not named & NAMED_AS_THEY_ARE


def test_the_jobs_page_shows_every_field_of_the_request() -> None:
    options = words("slice.js", "OPTIONS")
    assert {*options, *SHOWN} == CreateBackfill.model_fields.keys(), "OPTIONS in slice.js, or SHOWN above"
    assert set(options) <= Backfill.__optional_keys__


def test_the_form_places_only_fields_of_the_request() -> None:
    assert set(words("steps.js", "PLACED")) < CreateBackfill.model_fields.keys(), "PLACED in steps.js"
