"""Backfills as an API: create, watch and control them from Python.

``Client`` is synchronous, ``AsyncClient`` is for asyncio; both have the same calls. ``__all__`` lists the
public names: the clients, requests, answers and errors.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from backfills.async_client import AsyncClient
    from backfills.errors import (
        BackfillsError,
        Conflict,
        Fault,
        Invalid,
        KeyRefused,
        LimitReached,
        NoAnswer,
        NotFound,
        NotTheService,
        OutOfReach,
        Refused,
        Unavailable,
    )
    from backfills.models import (
        Answer,
        ChunkDelivery,
        Cost,
        Created,
        Destination,
        DestinationState,
        DollarRange,
        Estimate,
        Job,
        ListedJob,
        Progress,
        Receipt,
        ReceiptChunk,
        ReceiptDestination,
        SkippedRow,
        Status,
        Unload,
    )
    from backfills.new import Filter, NewBackfill, Window
    from backfills.sync_client import Client
    from backfills.tries import Retries

__all__ = [
    "Answer",
    "AsyncClient",
    "BackfillsError",
    "ChunkDelivery",
    "Client",
    "Conflict",
    "Cost",
    "Created",
    "Destination",
    "DestinationState",
    "DollarRange",
    "Estimate",
    "Fault",
    "Filter",
    "Invalid",
    "Job",
    "KeyRefused",
    "LimitReached",
    "ListedJob",
    "NewBackfill",
    "NoAnswer",
    "NotFound",
    "NotTheService",
    "OutOfReach",
    "Progress",
    "Receipt",
    "ReceiptChunk",
    "ReceiptDestination",
    "Refused",
    "Retries",
    "SkippedRow",
    "Status",
    "Unavailable",
    "Unload",
    "Window",
    "__version__",
]

# In the order of what they load: the errors need neither httpx nor pydantic.
_MODULES = ("errors", "new", "models", "tries", "sync_client", "async_client")


if not TYPE_CHECKING:  # otherwise type checkers would accept misspelt names

    def __getattr__(name: str) -> Any:
        """Load names on first use, so that importing only the errors loads neither httpx nor pydantic."""
        if name in __all__:
            for module in _MODULES:
                home = vars(importlib.import_module(f"{__name__}.{module}"))
                if name in home:
                    return home[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the names that a console completes, also those that are not loaded yet."""
    return sorted({*globals(), *__all__})
