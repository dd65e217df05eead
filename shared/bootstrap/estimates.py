"""Wire the staging function's responses to the API's estimate requests."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request

from shared.adapters.snowflake import SnowflakeUnloads
from shared.bootstrap import lookout
from shared.bootstrap.callers import callers
from shared.bootstrap.clients import monotonic
from shared.bootstrap.logs import log
from shared.bootstrap.push import Callers, refusal
from shared.config import Settings
from shared.domain.errors import BackfillError
from shared.domain.slices import Facts, Slice, SliceRefused, facts_to, faults_to, slice_from
from shared.steps.estimate import EstimateSlice

# The API's client waits 25 seconds. Leave time for the network in both directions.
SECONDS = 20.0

Answer = tuple[str, int, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Answers:
    """``run`` returns the facts of a slice."""

    callers: Callers
    run: Callable[[Slice], Facts]

    def answer(self, request: Request) -> Answer:
        refused = refusal(self.callers, request)
        if refused is not None:
            return _json({}, refused[1])
        try:
            wanted = slice_from(json.loads(request.get_data()))
        except (ValueError, KeyError, TypeError):
            return _json({}, 400)
        try:
            return _json(facts_to(self.run(wanted)), 200)
        except SliceRefused as error:
            return _json(faults_to(error.faults), 422)
        except BackfillError as error:
            log(logging.WARNING, error.message, {"detail": error.detail})
            return _json({}, 503)


def build(settings: Settings) -> Answers:
    questions = SnowflakeUnloads(
        settings.snowflake_connect,
        location_stage=settings.snowflake_stage,
        statement_timeout=SECONDS,
    )
    look = lookout.build(settings)
    step = EstimateSlice(
        questions, look, settings.table_catalog, settings.unload_file_bytes, SECONDS, monotonic
    )
    return Answers(callers(settings, settings.api_service_account), step.run)


def _json(content: Mapping[str, Any] | list[dict[str, Any]], status: int) -> Answer:
    return json.dumps(content), status, {"Content-Type": "application/json"}
