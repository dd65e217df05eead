"""What the functions say of the messages they handle: their structured logs, as an operator reads them."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def entries(endpoints: Mapping[str, Any], function: str) -> list[dict[str, Any]]:
    """All entries of a function's log so far, oldest first; what a server or a library says is left out."""
    found = []
    for line in Path(endpoints["logs"], f"{function}.log").read_text(errors="replace").splitlines():
        with suppress(json.JSONDecodeError):
            if isinstance(entry := json.loads(line), dict):
                found.append(entry)
    return found


def handled(endpoints: Mapping[str, Any], function: str) -> set[str]:
    """The ids of the messages that a function has done with, or that it wants to see again."""
    return {
        entry["message_id"]
        for entry in entries(endpoints, function)
        # What is written meanwhile is of a library, or an event.
        if "message_id" in entry and entry["logger"] == "backfills" and "event" not in entry
    }
