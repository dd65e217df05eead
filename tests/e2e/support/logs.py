"""The functions' structured logs about messages, as an operator reads them."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def entries(endpoints: Mapping[str, Any], function: str) -> list[dict[str, Any]]:
    """Return all entries of a function's log so far, oldest first, without those of servers and libraries."""
    found = []
    for line in Path(endpoints["logs"], f"{function}.log").read_text(errors="replace").splitlines():
        with suppress(json.JSONDecodeError):
            if isinstance(entry := json.loads(line), dict):
                found.append(entry)
    return found


def handled(endpoints: Mapping[str, Any], function: str) -> set[str]:
    """Return the ids of the messages that a function has finished, or asked to be redelivered."""
    return {
        entry["message_id"]
        for entry in entries(endpoints, function)
        # Other entries come from a library, or are events.
        if "message_id" in entry and entry["logger"] == "backfills" and "event" not in entry
    }
